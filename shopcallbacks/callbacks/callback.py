"""Callbacks: columns, guarded verbs, named queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, Index, and_, bindparam, or_, select, text, update
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, lazyload, mapped_column, relationship

from ..clock import NOW, utcnow
from ..domain.errors import TRIED_AGAIN, Conflict, Reason, Refused
from ..domain.money import causes_for, verbs_for
from ..domain.states import BY_A_PERSON, RULINGS, AttemptKind, Effect, Lane, State, Verb
from ..domain.values import Money, Outcome, Request, Verdict
from ..extensions import Base, db, locked
from ..orders.order import Order
from ..shops.accounts import GatewayAccount
from ..shops.acts import Activity
from ..shops.users import Role, User
from ..words import acts
from ..words.formats import age
from .attempts import Attempt, KeptMessage
from .months import Month
from .requests import requests_of

# Looked at this long after its arrival, a callback is stuck: no worker takes it.
STUCK_AFTER = timedelta(seconds=60)

# The act of the first of two people who force.
FIRST_OF_TWO = "ask to force"
# Verdicts on which a person can decide without asking the gateway once more.
CHECKED = (Verdict.genuine, Verdict.skipped)
# Why money waits for a person's word.
MISMATCHES = (Reason.amount_mismatch, Reason.currency_mismatch)
TO_DECIDE = (
    Conflict.paid_already,
    Conflict.order_cancelled,
    Conflict.order_refunded,
    Conflict.payment_gone,
    Conflict.payment_taken_out,
    Conflict.which_payment,
)
# Written out into the statement, so that the planner always knows that their index fits.
_TO_DECIDE: BindParameter[Conflict] = bindparam("to_decide", TO_DECIDE, expanding=True, literal_execute=True)
_MISMATCHES: BindParameter[Reason] = bindparam("mismatches", MISMATCHES, expanding=True, literal_execute=True)
# What is counted in the queue stands in its index: what waits lies far apart in the table.
COUNTED = ("state", "due_at", "due_kind", "version", "reason", "conflict", "account_id", "order_id")


def is_to_decide(reason: Reason | None, conflict: Conflict | None) -> bool:
    """Whether money waits for a person's word for that cause."""
    return conflict in TO_DECIDE or (conflict is None and reason in MISMATCHES)


@dataclass(frozen=True)
class More:
    """What a person says with a verb beside the reason. `minor`: the sum that counts, in the order's currency."""

    minor: int | None = None
    transaction: str | None = None
    order: Order | None = None

    @property
    def told(self) -> str:
        """For the list of acts."""
        if self.order is not None:
            return f"order {self.order.number}"
        return f"payment {self.transaction}" if self.transaction is not None else ""


NOTHING_MORE = More()


class Callback(Base):
    """One HTTP request a gateway made to us, in its original form, and what became of it.

    The request itself stands beside it (`requests.py`) and is read where it is needed. What is due stands here too:
    `due_at` and `due_kind` (and, for a person's wish, who and why); a run that happened is an `Attempt`.
    `imported_at`: when it was brought along from elsewhere; None of all that came here. Its `received_at` is its own.
    What was understood (`outcome` to `customer`) is what the message that decided the state says, verified or not.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("ix_callbacks_due", "asks", "account_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_callbacks_queue",
            "shop_id",
            "received_at",
            "id",
            postgresql_where=text("state IN ('received', 'unprocessed')"),
            postgresql_include=COUNTED,
        ),
        Index(
            "ix_callbacks_to_decide",
            "shop_id",
            "received_at",
            "id",
            postgresql_where=text(
                "state IN ('received', 'unprocessed') AND (conflict IN ('paid_already', 'order_cancelled', "
                "'order_refunded', 'payment_gone', 'payment_taken_out', 'which_payment') OR conflict IS NULL AND "
                "reason IN ('amount_mismatch', 'currency_mismatch'))"
            ),
            postgresql_include=("state", "due_at", "due_kind", "order_id"),
        ),
        Index("ix_callbacks_shop_time", "shop_id", "received_at", "id"),
        Index("ix_callbacks_shop_state_time", "shop_id", "state", "received_at", "id"),
        Index("ix_callbacks_shop_amount", "shop_id", "currency", "amount_minor", "id"),
        Index("ix_callbacks_shop_amount_time", "shop_id", "amount_minor", "received_at"),
        Index("ix_callbacks_account_time", "account_id", "received_at", "id"),
        Index("ix_callbacks_shop_number", "shop_id", "order_number"),
        Index("ix_callbacks_account_event", "account_id", "event_id", postgresql_where=text("event_id IS NOT NULL")),
        Index(
            "ix_callbacks_account_delivery",
            "account_id",
            "delivery_id",
            postgresql_where=text("delivery_id IS NOT NULL"),
        ),
        Index("ix_callbacks_transaction", "shop_id", "transaction_id"),
        Index("ix_callbacks_crashed", "id", postgresql_where=text("crashed_in IS NOT NULL")),
        Index(
            "ix_callbacks_taken_back",
            "shop_id",
            "effect",
            "received_at",
            "id",
            postgresql_where=text("effect IN ('owed', 'closed')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    # which request it is; these never change
    received_at: Mapped[datetime]
    imported_at: Mapped[datetime | None]
    digest: Mapped[bytes]
    # where it stands
    state: Mapped[State] = mapped_column(default=State.received)
    reason: Mapped[Reason | None]
    conflict: Mapped[Conflict | None]
    crashed_in: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=0)
    attempt_count: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    # what is due
    asks: Mapped[bool]
    due_at: Mapped[datetime | None]
    due_kind: Mapped[AttemptKind | None]
    leased_until: Mapped[datetime | None]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime | None]
    asked_why: Mapped[str | None]
    asked_minor: Mapped[int | None]
    asked_transaction: Mapped[str | None]
    assigned_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    # what was understood
    verdict: Mapped[Verdict | None]
    outcome: Mapped[Outcome | None]
    effect: Mapped[Effect | None]
    order_number: Mapped[str | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    transaction_id: Mapped[str | None]
    event_id: Mapped[str | None]
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    test: Mapped[bool | None]
    customer: Mapped[str | None]
    delivery_id: Mapped[str | None]
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))

    account: Mapped[GatewayAccount] = relationship()
    order: Mapped[Order | None] = relationship(foreign_keys=order_id)
    asked_by: Mapped[User | None] = relationship()
    attempts: Mapped[list[Attempt]] = relationship(order_by=Attempt.id, viewonly=True)
    messages: Mapped[list[KeptMessage]] = relationship(order_by=KeptMessage.place, lazy="selectin", viewonly=True)

    @cached_property
    def request(self) -> Request | None:
        """The request as it came, read once, for it never changes; None while it is in an archive."""
        return requests_of([(self.id, self.received_at)]).get(self.id)

    @staticmethod
    def read_requests(callbacks: Iterable[Callback]) -> None:
        """Those of many in one statement, but for those that are read already."""
        unread = [callback for callback in callbacks if "request" not in vars(callback)]
        found = requests_of([(callback.id, callback.received_at) for callback in unread])
        for callback in unread:
            callback.request = found.get(callback.id)

    @property
    def month(self) -> Month:
        """It came in."""
        return Month.of(self.received_at)

    @property
    def archived(self) -> bool:
        """Its request is in an archive, where no month is before it is over."""
        return self.month != Month.of(utcnow()) and self.request is None

    @property
    def money(self) -> Money | None:
        """What the callback claims, verified or not."""
        return Money.known(self.amount_minor, self.currency)

    @classmethod
    def lock(cls, id_: int) -> Callback:
        return locked(cls, id_)

    @property
    def lane(self) -> Lane:
        """Where it waits while it is due."""
        return Lane.for_callbacks(self.asks)

    @classmethod
    def any_due(cls, lane: Lane) -> bool:
        """Whether something is due in the lane and not leased."""
        free = or_(cls.leased_until.is_(None), cls.leased_until < NOW)
        due = select(cls.id).where(cls.asks.is_(lane is Lane.asking), cls.due_at <= NOW, free)
        return db.session.scalar(select(due.exists())) is True

    @classmethod
    def due_after_upgrade(cls, release: str, limit: int = 1000) -> set[Lane]:
        """Those that broke the code of another release are due once more. The lanes to ring."""
        broken = (
            select(cls.id)
            .where(cls.state == State.unprocessed, cls.reason == Reason.crashed, cls.due_at.is_(None))
            .where(cls.crashed_in.is_not(None), cls.crashed_in != release)
            .limit(limit)
            .with_for_update(of=cls, skip_locked=True, key_share=True)
        )
        asks = db.session.scalars(
            update(cls)
            .where(cls.id.in_(broken))
            .values(due_at=NOW, due_kind=AttemptKind.automatic, crashed_in=release)
            .returning(cls.asks),
            execution_options={"synchronize_session": False},
        )
        return {Lane.for_callbacks(one) for one in asks}

    # a person's verbs

    @property
    def open_to(self) -> frozenset[Verb]:
        """The verbs its state allows."""
        if self.state is State.invalid:
            return frozenset({Verb.restore})
        if self.due_kind in BY_A_PERSON:
            return frozenset()
        if self.state is State.processed:
            taken_back = {Effect.closed: Verb.restore, Effect.owed: Verb.unowe}
            return frozenset(verb for effect, verb in taken_back.items() if effect is self.effect)
        if self.state is State.received:
            return frozenset({Verb.remove}) if self.stuck else frozenset()
        if self.state is State.imported:
            return frozenset({Verb.retry, Verb.remove})
        return frozenset({Verb.retry, Verb.force, Verb.remove}) | self._decided_by

    @property
    def _decided_by(self) -> frozenset[Verb]:
        """The verbs by which a person decides about what was found genuine, or forced."""
        if self.reason is None or self.verdict not in CHECKED:
            return frozenset()
        state = self.order.state if self.order else None
        verbs = verbs_for(self.reason, self.conflict, self.outcome, state)
        anew = {Verb.assign} if self.assigned_id is not None else set()
        return verbs - {Verb.retry, Verb.remove} | {Verb.close} | anew

    def barred(self, verb: Verb, user: User | None) -> str:
        """Why this user may not, in a sentence; empty where they may."""
        if user is None:
            return ""
        if verb is Verb.force and self.forced_by_two:
            return self._not_one_of_two(user)
        return self._not_to_accept(user) if verb is Verb.accept else ""

    def _not_one_of_two(self, user: User) -> str:
        if user.program:  # its token may be that of the other person
            return "So large a sum takes two people to force."
        if self._asked_by(user):
            return "You asked for it to be forced. It takes another person to do it."
        return ""

    def _not_to_accept(self, user: User) -> str:
        limit = self.account.shop.accept_limit
        if limit is None or not self._beyond(limit) or user.reaches(Role.admin, self.shop_id):
            return ""
        return f"More than {limit}, or another currency, is for an admin to accept."

    @property
    def forced_by_two(self) -> bool:
        """Its shop wants two people for so large a sum: one asks, another one forces."""
        limit = self.account.shop.force_limit
        return limit is not None and self._beyond(limit)

    @property
    def first_of_two(self) -> Activity | None:
        """Who asked for a force that takes two, as long as nothing else was done about it."""
        last = Activity.last_about(self.id) if self.forced_by_two else None
        return last if last is not None and last.verb == FIRST_OF_TWO else None

    def _asked_by(self, user: User) -> bool:
        first = self.first_of_two
        return first is not None and first.user_id == user.id

    @hybrid_property
    def to_decide(self) -> bool:
        """Money waits for a person's word: sums that differ, or a payment that its order does not take."""
        return is_to_decide(self.reason, self.conflict)

    @to_decide.inplace.expression
    @classmethod
    def _to_decide(cls) -> ColumnElement[bool]:
        return or_(cls.conflict.in_(_TO_DECIDE), and_(cls.conflict.is_(None), cls.reason.in_(_MISMATCHES)))

    @property
    def asked_by_name(self) -> str | None:
        """The person who asked for what is due."""
        return self.asked_by.name if self.asked_by else None

    def would_ask(self, kind: AttemptKind) -> bool:
        """Whether an attempt of that kind asks the gateway. What was checked is ruled on as it was kept."""
        return self.account.asks and kind is not AttemptKind.forced and kind not in RULINGS

    @classmethod
    def allows(cls, verb: Verb) -> ColumnElement[bool]:
        """`open_to` for a query; what the state of the order forbids besides is refused when it is done."""
        if verb is Verb.restore:
            return or_(cls.state == State.invalid, and_(cls.state == State.processed, cls.effect == Effect.closed))
        if verb is Verb.unowe:
            return and_(cls.state == State.processed, cls.effect == Effect.owed)
        fitting = cls.state == State.unprocessed
        if verb in (Verb.retry, Verb.remove):
            fitting = or_(fitting, cls.state == State.imported)
        if verb is Verb.remove:
            fitting = or_(fitting, and_(cls.state == State.received, cls.received_at < utcnow() - STUCK_AFTER))
        elif verb is Verb.close:
            fitting = and_(fitting, cls.verdict.in_(CHECKED))
        elif verb in RULINGS.values():
            fitting = and_(fitting, cls.verdict.in_(CHECKED), cls.waits_for(verb))
        return and_(fitting, or_(cls.due_kind.is_(None), cls.due_kind.not_in(BY_A_PERSON)))

    @classmethod
    def waits_for(cls, *verbs: Verb) -> ColumnElement[bool]:
        """Whether it waits for such a reason that one of the verbs could end it."""
        causes = sorted({cause for verb in verbs for cause in causes_for(verb)}, key=str)
        return or_(
            *(
                and_(
                    cls.reason == reason,
                    cls.conflict == conflict if conflict else cls.conflict.is_(None),
                    cls.outcome.in_(outcomes),
                )
                for reason, conflict, outcomes in causes
            )
        )

    @classmethod
    def lock_all(cls, ids: Iterable[int]) -> dict[int, Callback]:
        """Many, fresh and locked. The lock lets others still refer to them."""
        callbacks = db.session.scalars(
            select(cls)
            .where(cls.id.in_(list(ids)))
            .order_by(cls.id)
            .with_for_update(of=cls, key_share=True)
            .options(*LIGHT)
            .execution_options(populate_existing=True)
        )
        return {callback.id: callback for callback in callbacks}

    @property
    def stuck(self) -> bool:
        return self.state is State.received and self.received_at < utcnow() - STUCK_AFTER

    def do(
        self,
        verb: Verb,
        user: User | None,
        why: str = "",
        seen: int | None = None,
        what: str = "",
        more: More = NOTHING_MORE,
    ) -> None:
        """The verb, kept as the user's act (None: the command line). `Refused` where it can't be done (any more).

        A force that takes two people is only asked for by the first. `seen`: the version they saw; `what`: what the act
        is part of, for the list of acts; `more`: what they said besides.
        """
        self.may(verb, user, why, seen, more)
        act: str = verb
        if verb is Verb.remove:
            self._end(State.invalid)
        elif verb is Verb.close:
            self._end(State.processed)
            self.effect = Effect.closed
        elif verb is Verb.restore:
            self.state, self.settled_at, self.effect = State.unprocessed, None, None
            if self.reason is None and self.imported_at is not None:
                self.state = State.imported
            elif self.reason is None:  # removed before anything had looked at it
                self._ask_for(AttemptKind.retry, user, why, more)
        elif verb.attempts:
            if verb is Verb.force and user is not None and self.forced_by_two and self.first_of_two is None:
                act = FIRST_OF_TWO
            else:
                self._ask_for(verb.attempts, user, why, more)
        self.version += 1
        Activity.record(act, user, self.shop_id, self.id, self.order_id, why.strip(), what or more.told)

    def may(
        self, verb: Verb, user: User | None, why: str = "", seen: int | None = None, more: More = NOTHING_MORE
    ) -> None:
        """`Refused` where the user can't do the verb (any more)."""
        self.guard(verb, why, seen)
        if verb.attempts:
            self._check(verb, user, more)

    def _end(self, state: State) -> None:
        self.state, self.settled_at = state, utcnow()
        self.due_at = self.due_kind = self.leased_until = None

    def guard(self, verb: Verb, why: str, seen: int | None) -> None:
        """`Refused` where the callback moved on since it was seen, its state does not allow it, or a reason lacks."""
        if seen is not None and self._moved_since(seen):
            raise Refused(f"This callback has moved on since you saw it: {self.last_move}.")
        if verb not in self.open_to:
            raise Refused(f"This callback is {self.last_move}; it can't be {verb.past} now.")
        if self._needs_request(verb) and self.archived:
            raise Refused(f"Its request is kept in {self.month.archive}. Once it is brought back this can be done.")
        if verb.needs_why and not why.strip():
            raise Refused("Say why: the reason is kept with your name.")

    def _moved_since(self, seen: int) -> bool:
        """Whether it is another than was seen. Not where it was only tried again by itself, and came to the same: who
        makes up their mind about what waits for its order or its gateway would be overtaken by that again and again.
        """
        moves = self.version - seen
        if self.reason not in TRIED_AGAIN or not 0 < moves < self.attempt_count:
            return moves != 0
        before, *again = self.attempts[-moves - 1 :]
        act = Activity.last_about(self.id)
        in_between = act is not None and act.at >= again[0].at
        same = all(one.kind is AttemptKind.automatic and one.came_to == before.came_to for one in again)
        return in_between or not same

    def _needs_request(self, verb: Verb) -> bool:
        """Whether it is read anew: what was checked is ruled on as it was kept."""
        if verb is Verb.restore:
            return self.reason is None
        return verb.attempts is not None and verb.attempts not in RULINGS

    def _check(self, verb: Verb, user: User | None, more: More) -> None:
        """`Refused` where the verb needs more than was said, or somebody else."""
        if verb is Verb.assign and more.order is None:
            raise Refused("Say to which order it belongs.")
        if verb is Verb.choose and more.transaction is None:
            raise Refused("Say of which payment it is.")
        if barred := self.barred(verb, user):
            raise Refused(barred)

    def _beyond(self, limit: Money) -> bool:
        money = self.money
        return money is None or money.currency != limit.currency or money.minor > limit.minor

    def _ask_for(self, kind: AttemptKind, user: User | None, why: str, more: More) -> None:
        """One more attempt, now."""
        self.due_at, self.due_kind = utcnow(), kind
        self.leased_until = None
        self.asks = self.would_ask(kind)
        self.asked_by, self.asked_at, self.asked_why = user, self.due_at, why.strip()
        self.asked_minor, self.asked_transaction = more.minor, more.transaction
        if more.order is not None:
            self.assigned_id = more.order.id

    @property
    def last_move(self) -> str:
        """What happened to it last, as half a sentence."""
        if self.due_kind in BY_A_PERSON:
            return f"being tried again, asked by {self.asked_by_name or 'the command line'}"
        act = Activity.last_about(self.id)
        if act is not None and self.state in (State.invalid, State.unprocessed):
            return f"{acts.past(act.verb)} by {act.actor} {age(act.at, utcnow())} ago and now {self.state}"
        return f"{self.state}"


# For many at once: without the messages, which are rarely asked for.
LIGHT = (lazyload(Callback.messages),)
