"""Callbacks and their attempts: columns, guarded verbs, named queries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, or_, select, text, tuple_, update
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, defer, lazyload, mapped_column, relationship

from ..domain.errors import Reason, Refused
from ..domain.states import BY_A_PERSON, PAID_BUT, RULINGS, Effect, Kind, State
from ..domain.values import Money, Outcome, Request, Verdict
from ..extensions import Base, db, utcnow
from ..orders.order import Order
from ..shops.accounts import GatewayAccount
from ..shops.acts import Activity
from ..shops.users import User
from ..words.formats import age
from .attempts import Attempt, KeptMessage

# Looked at this long after its arrival, a callback is stuck: no worker takes it.
STUCK_AFTER = timedelta(seconds=60)


class Callback(Base):
    """One HTTP request a gateway made to us, in its original form, and what became of it.

    The request's columns never change once stored; the database holds that. What is due stands here too: `due_at`
    and `due_kind` (and, for a person's wish, who and why); a run that happened is an `Attempt`.
    What was understood (`outcome` to `customer`) is what the message that decided the state says, verified or not.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("ix_callbacks_due", "asks", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_callbacks_queue",
            "shop_id",
            "received_at",
            "id",
            postgresql_where=text("state IN ('received', 'unprocessed')"),
        ),
        Index("ix_callbacks_shop_time", "shop_id", "received_at", "id"),
        Index("ix_callbacks_shop_state_time", "shop_id", "state", "received_at", "id"),
        Index("ix_callbacks_shop_amount", "shop_id", "amount_minor", "id"),
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
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    # the request
    method: Mapped[str]
    path: Mapped[str]
    query: Mapped[bytes]
    headers: Mapped[list[list[str]]]
    body: Mapped[bytes]
    address: Mapped[str]
    received_at: Mapped[datetime]
    digest: Mapped[bytes]
    # where it stands
    state: Mapped[State] = mapped_column(default=State.received)
    reason: Mapped[Reason | None]
    detail: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=0)
    attempt_count: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    # what is due
    asks: Mapped[bool]
    due_at: Mapped[datetime | None]
    due_kind: Mapped[Kind | None]
    leased_until: Mapped[datetime | None]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime | None]
    asked_why: Mapped[str | None]
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
    order: Mapped[Order | None] = relationship()
    asked_by: Mapped[User | None] = relationship()
    attempts: Mapped[list[Attempt]] = relationship(
        back_populates="callback", order_by="Attempt.id", passive_deletes="all"
    )
    messages: Mapped[list[KeptMessage]] = relationship(
        back_populates="callback", order_by="KeptMessage.place", lazy="selectin", passive_deletes="all"
    )

    @property
    def request(self) -> Request:
        """The request as it came."""
        headers = tuple((name, value) for name, value in self.headers)
        return Request(self.method, self.path, self.query, headers, self.body, self.address, self.received_at)

    @property
    def money(self) -> Money | None:
        """What the callback claims, verified or not."""
        return Money(self.amount_minor, self.currency) if self.amount_minor is not None and self.currency else None

    # claiming

    @classmethod
    def claim(cls, limit: int) -> list[Callback]:
        """The next due callbacks for which nobody is asked, locked until the transaction ends; others skip them."""
        return list(
            db.session.scalars(
                select(cls)
                .where(cls.asks.is_(False), cls.due_at <= utcnow())
                .order_by(cls.due_at, cls.id)
                .limit(limit)
                .with_for_update(of=cls, skip_locked=True)
                .execution_options(populate_existing=True)
            )
        )

    @classmethod
    def lease(cls, limit: int, per_account: int, seconds: float) -> list[Callback]:
        """The next due callbacks whose gateway is asked: ours for that long, then anybody's again."""
        now = utcnow()
        due = (
            select(cls.id, cls.account_id)
            .where(cls.asks.is_(True), cls.due_at <= now, or_(cls.leased_until.is_(None), cls.leased_until < now))
            .order_by(cls.due_at, cls.id)
            .limit(limit * 8)
            .with_for_update(of=cls, skip_locked=True)
        )
        taken: list[int] = []
        by_account: dict[int, int] = {}
        for id_, account_id in db.session.execute(due):
            by_account[account_id] = by_account.get(account_id, 0) + 1
            if by_account[account_id] <= per_account and len(taken) < limit:
                taken.append(id_)
        if not taken:
            return []
        db.session.execute(
            update(cls).where(cls.id.in_(taken)).values(leased_until=now + timedelta(seconds=seconds)),
            execution_options={"synchronize_session": False},
        )
        return list(
            db.session.scalars(
                select(cls).where(cls.id.in_(taken)).order_by(cls.id).execution_options(populate_existing=True)
            )
        )

    @classmethod
    def renew_lease(cls, ids: Iterable[int], seconds: float) -> None:
        """Still ours for that long."""
        leased_until = utcnow() + timedelta(seconds=seconds)
        db.session.execute(
            update(cls).where(cls.id.in_(list(ids)), cls.leased_until.is_not(None)).values(leased_until=leased_until),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def lock(cls, id_: int) -> Callback:
        """The callback, fresh and locked until the transaction ends."""
        return db.session.scalars(
            select(cls).where(cls.id == id_).with_for_update(of=cls).execution_options(populate_existing=True)
        ).one()

    @classmethod
    def overdue(cls) -> dict[bool, bool]:
        """For which lanes something is due and not leased: {asks: True}."""
        now = utcnow()
        free = or_(cls.leased_until.is_(None), cls.leased_until < now)
        return {
            asks: db.session.scalar(select(select(cls.id).where(cls.asks.is_(asks), cls.due_at <= now, free).exists()))
            is True
            for asks in (False, True)
        }

    @classmethod
    def wake(cls, shop_id: int, order_number: str) -> set[bool]:
        """The order is there: callbacks that wait for it are due at once. The lanes to ring."""
        woken = db.session.scalars(
            update(cls)
            .where(
                cls.shop_id == shop_id,
                cls.order_number == order_number,
                cls.reason == Reason.order_not_found,
                cls.due_kind == Kind.automatic,
            )
            .values(due_at=utcnow())
            .returning(cls.asks),
            execution_options={"synchronize_session": False},
        )
        return set(woken)

    @classmethod
    def known_deliveries(cls, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, bytes]]:
        """The first genuine callback (id, digest) by (account id, delivery id)."""
        wanted = list(set(keys))
        if not wanted:
            return {}
        rows = db.session.execute(
            select(cls.account_id, cls.delivery_id, cls.id, cls.digest)
            .where(tuple_(cls.account_id, cls.delivery_id).in_(wanted), cls.verdict == Verdict.genuine)
            .order_by(cls.id.desc())
        )
        return {(account_id, delivery): (id_, digest) for account_id, delivery, id_, digest in rows if delivery}

    # a person's verbs

    @property
    def open_to(self) -> frozenset[str]:
        """The verbs its state allows."""
        if self.state is State.invalid:
            return frozenset({"restore"})
        if self.state is State.processed or self.due_kind in BY_A_PERSON:
            return frozenset()
        if self.state is State.received:
            return frozenset({"remove"}) if self.stuck else frozenset()
        return frozenset({"retry", "force", "remove"} | ({"reopen", "owe"} if self.paid_but else set()))

    @hybrid_property
    def paid_but(self) -> bool:
        """Money came in and the order does not take it: a person rules on it."""
        return self.reason is Reason.order_conflict and self.detail.startswith(PAID_BUT)

    @paid_but.inplace.expression
    @classmethod
    def _paid_but(cls) -> ColumnElement[bool]:
        return and_(cls.reason == Reason.order_conflict, cls.detail.startswith(PAID_BUT))

    def skips_check(self, kind: Kind | None) -> bool:
        """Whether an attempt of that kind skips the check with the gateway: a force, and a ruling on one forced."""
        return kind is Kind.forced or (kind in RULINGS and self.verdict is Verdict.skipped)

    def would_ask(self, kind: Kind) -> bool:
        """Whether an attempt of that kind asks the gateway."""
        return self.account.asks and not self.skips_check(kind)

    @classmethod
    def allows(cls, verb: str) -> ColumnElement[bool]:
        """`open_to` for a query."""
        if verb == "restore":
            return cls.state == State.invalid
        if verb in ("reopen", "owe"):
            return and_(cls.allows("retry"), cls.paid_but)
        stuck = and_(cls.state == State.received, cls.received_at < utcnow() - STUCK_AFTER)
        fitting = or_(cls.state == State.unprocessed, stuck) if verb == "remove" else cls.state == State.unprocessed
        return and_(fitting, or_(cls.due_kind.is_(None), cls.due_kind.not_in(BY_A_PERSON)))

    @classmethod
    def lock_all(cls, ids: Iterable[int]) -> dict[int, Callback]:
        """Many, fresh and locked, without the request itself. The lock lets others still refer to them."""
        callbacks = db.session.scalars(
            select(cls)
            .where(cls.id.in_(list(ids)))
            .order_by(cls.id)
            .with_for_update(of=cls, key_share=True)
            .options(defer(cls.body), defer(cls.query), defer(cls.headers), lazyload(cls.messages))
            .execution_options(populate_existing=True)
        )
        return {callback.id: callback for callback in callbacks}

    @property
    def stuck(self) -> bool:
        return self.state is State.received and self.received_at < utcnow() - STUCK_AFTER

    # `seen`: the version they saw; `what`: what the act is part of, for the list of acts.

    def retry(self, user: User | None, why: str = "", seen: int | None = None, what: str = "") -> None:
        """Asks for one more attempt, now."""
        self._guard("retry", seen)
        self._ask_for(Kind.retry, user, why, what)

    def force(self, user: User | None, why: str, seen: int | None = None, what: str = "") -> None:
        """Asks for one more attempt that skips the check with the gateway, and nothing else."""
        self._guard("force", seen, why)
        self._ask_for(Kind.forced, user, why, what)

    def reopen(self, user: User | None, why: str, seen: int | None = None, what: str = "") -> None:
        """Asks for one more attempt in which the order takes the payment after all."""
        self._guard("reopen", seen, why)
        self._ask_for(Kind.reopened, user, why, what)

    def owe(self, user: User | None, why: str, seen: int | None = None, what: str = "") -> None:
        """Asks for one more attempt in which the order stays as it is, and the payment is owed back."""
        self._guard("owe", seen, why)
        self._ask_for(Kind.owed, user, why, what)

    def remove(self, user: User | None, why: str, seen: int | None = None, what: str = "") -> None:
        """Marks it invalid. It stays, and can be restored."""
        self._guard("remove", seen, why)
        self.state = State.invalid
        self.due_at = self.due_kind = self.leased_until = None
        self.settled_at = utcnow()
        self._act("remove", user, why, what)

    def restore(self, user: User | None, why: str = "", seen: int | None = None, what: str = "") -> None:
        """Back to the unprocessed ones."""
        self._guard("restore", seen)
        self.state = State.unprocessed
        self.settled_at = None
        if self.reason is None:  # removed before anything had looked at it
            self._ask_for(Kind.retry, user, why, what, verb="restore")
            return
        self._act("restore", user, why, what)

    def _guard(self, verb: str, seen: int | None, why: str = "given") -> None:
        """`Refused` where the callback moved on since it was seen, its state does not allow it, or a reason lacks."""
        if seen is not None and seen != self.version:
            raise Refused(f"This callback has moved on since you saw it: {self.last_move}.")
        if verb not in self.open_to:
            raise Refused(f"This callback is {self.last_move}; it can't be {_PAST[verb]} now.")
        if not why.strip():
            raise Refused("Say why: the reason is kept with your name.")

    @property
    def last_move(self) -> str:
        """What happened to it last, as half a sentence."""
        if self.due_kind in BY_A_PERSON:
            return f"being tried again, asked by {self.asked_by.name if self.asked_by else 'the command line'}"
        act = Activity.last_about(self.id)
        if act is not None and self.state in (State.invalid, State.unprocessed):
            return f"{_PAST.get(act.verb, act.verb)} by {act.actor} {age(act.at, utcnow())} ago and now {self.state}"
        return f"{self.state}"

    def _ask_for(self, kind: Kind, user: User | None, why: str, what: str, verb: str | None = None) -> None:
        self.due_at, self.due_kind = utcnow(), kind
        self.leased_until = None
        self.asks = self.would_ask(kind)
        self.asked_by, self.asked_at, self.asked_why = user, self.due_at, why.strip()
        self._act(verb or _VERBS[kind], user, why, what)

    def _act(self, verb: str, user: User | None, why: str, what: str) -> None:
        self.version += 1
        Activity.record(verb, user, self.shop_id, self.id, self.order_id, why.strip(), what)


_VERBS = {Kind.retry: "retry", Kind.forced: "force", Kind.reopened: "reopen", Kind.owed: "owe"}
_PAST = {
    "retry": "retried",
    "force": "forced",
    "reopen": "reopened",
    "owe": "marked as owed back",
    "remove": "removed",
    "restore": "restored",
    "test": "sent as a test",
}


def digest_of(request: Request) -> bytes:
    """What makes two requests the same: query and body, byte for byte."""
    return hashlib.sha256(len(request.query).to_bytes(8) + request.query + request.body).digest()
