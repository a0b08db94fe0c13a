"""The unprocessed queue: which callbacks need a person, which wait by themselves, and what stands on it.

Every query here reads the partial index `ix_callbacks_queue`, so its cost grows with the queue, never with what is
processed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, func, or_, select, text

from .attempts import BY_A_PERSON
from .callbacks import STUCK_AFTER, Callback, State
from .errors import Reason
from .extensions import db
from .orders import Order
from .pulse import ALIVE_FOR, Pulse
from .shops import GatewayAccount
from .transitions import PAID_BUT, OrderState
from .values import Money


def in_queue(shop_id: int) -> ColumnElement[bool]:
    """Written out into the statement, so that the planner always knows the index fits, prepared or not."""
    states: BindParameter[State] = bindparam(
        "queue_states", [State.received, State.unprocessed], expanding=True, literal_execute=True
    )
    return and_(Callback.shop_id == shop_id, Callback.state.in_(states))


def on_its_way(now: datetime) -> ColumnElement[bool]:
    """An attempt is to come by itself, or the first one is due just now."""
    tried_again = and_(Callback.due_at.is_not(None), Callback.due_kind.not_in(BY_A_PERSON))
    return case((Callback.state == State.received, Callback.received_at >= now - STUCK_AFTER), else_=tried_again)


def needs_a_person(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Unprocessed with no attempt to come by itself, or received so long ago that it is stuck."""
    return and_(in_queue(shop_id), ~on_its_way(now))


def waits(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Looked at, or tried again, by itself: nobody needs to do anything yet."""
    return and_(in_queue(shop_id), on_its_way(now))


def count(shop_id: int, now: datetime) -> int:
    """How many need a person."""
    return db.session.scalar(select(func.count()).select_from(Callback).where(needs_a_person(shop_id, now))) or 0


@dataclass(frozen=True)
class Group:
    """The callbacks that need a person for one cause. `reason` None: stuck, nothing has looked at them yet."""

    reason: Reason | None
    account: GatewayAccount | None
    conflict: str
    count: int
    oldest: datetime
    latest: datetime
    detail: str
    details: int
    stakes: tuple[Money, ...]

    @property
    def paid_but(self) -> bool:
        """Money came in, and the orders do not take it."""
        return self.conflict.startswith(PAID_BUT)

    @property
    def key(self) -> str:
        """The same for the same cause from one look to the next."""
        return f"{self.reason or 'stuck'}-{self.account.slug if self.account else ''}-{self.conflict}".replace(" ", "-")


@dataclass(frozen=True)
class Summary:
    """What stands on the queue at one moment.

    `stakes`: the amounts of the orders that callbacks here are about, each order once; never what a callback claims.
    `openable`: how many of those orders can still be opened. `on_their_way`: callbacks nobody needs to touch yet.
    `due`: what a worker should have taken by now. `looked_at_until`: everything received before has been looked at.
    """

    now: datetime
    groups: tuple[Group, ...]
    stakes: tuple[Money, ...]
    openable: int
    on_their_way: int
    due: int
    looked_at_until: datetime
    worker_seen: datetime | None

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def oldest(self) -> datetime:
        return min(group.oldest for group in self.groups)

    @property
    def worker_alive(self) -> bool:
        return self.worker_seen is not None and self.now - self.worker_seen < ALIVE_FOR


# Causes that sit with the gateway account: there one account is one cause.
OF_AN_ACCOUNT = (Reason.gateway_unreachable, Reason.not_genuine, Reason.account_disabled)
CAUSE = (
    Callback.reason,
    case((Callback.reason.in_(OF_AN_ACCOUNT), Callback.account_id)).label("account"),
    case((Callback.reason == Reason.order_conflict, Callback.detail), else_="").label("conflict"),
)


def summary(shop_id: int, now: datetime) -> Summary:
    """All of the widget's numbers."""
    stakes, openable = _stakes(shop_id, now)
    received = Callback.state == State.received
    on_their_way, due, unlooked = db.session.execute(
        select(
            func.count().filter(on_its_way(now)),
            func.count().filter(Callback.due_at <= now),
            func.min(Callback.received_at).filter(received),
        ).where(in_queue(shop_id))
    ).one()
    seen = Pulse.last()
    return Summary(
        now, _groups(CAUSE, needs_a_person(shop_id, now)), stakes, openable, on_their_way, due, unlooked or now, seen
    )


# Clusters are finer: by account, and by what is known, its numbers left out. Where every callback has a detail of its
# own, the detail makes no cluster.
OF_EACH = (Reason.order_not_found, Reason.amount_mismatch, Reason.currency_mismatch, Reason.unreadable, Reason.crashed)
_SHAPE = func.left(func.regexp_replace(Callback.detail, "[0-9]+([.,:-][0-9]+)*", "#", "g"), 150)
KNOWN: ColumnElement[str] = case(
    (or_(Callback.reason.is_(None), Callback.reason.in_(OF_EACH)), ""), (_SHAPE == "", "nothing"), else_=_SHAPE
)
CLUSTER = (Callback.reason, Callback.account_id.label("account"), KNOWN.label("conflict"))
CLUSTERS = 100


def clusters(*where: ColumnElement[bool]) -> tuple[Group, ...]:
    """Those callbacks by cause, in the finer way; `conflict` is what `KNOWN` says."""
    return _groups(CLUSTER, *where)


def _groups(by: Sequence[Any], *where: ColumnElement[bool]) -> tuple[Group, ...]:
    """The largest cause first."""
    stakes = _stakes_by_cause(by, *where)
    rows: Sequence[Any] = db.session.execute(
        select(
            *by,
            func.count().label("count"),
            func.min(Callback.received_at),
            func.max(Callback.received_at),
            func.mode().within_group(Callback.detail),
            func.count(Callback.detail.distinct()),
        )
        .where(*where)
        .group_by(*by)
        .order_by(text("count DESC"), func.min(Callback.received_at))
        .limit(CLUSTERS)
    ).all()
    found = []
    for reason, account_id, conflict, count_, oldest, latest, detail, details in rows:
        account = db.session.get(GatewayAccount, account_id) if account_id else None
        at_stake = tuple(stakes[reason, account_id, conflict])
        found.append(Group(reason, account, conflict, count_, oldest, latest, detail, details, at_stake))
    return tuple(found)


def _stakes_by_cause(by: Sequence[Any], *where: ColumnElement[bool]) -> dict[tuple[object, ...], list[Money]]:
    about = select(*by, Callback.order_id).where(*where).distinct().subquery()
    cause = (about.c.reason, about.c.account, about.c.conflict)
    stakes: dict[tuple[object, ...], list[Money]] = defaultdict(list)
    for *key, currency, minor in db.session.execute(
        select(*cause, Order.currency, func.sum(Order.amount_minor))
        .join(about, about.c.order_id == Order.id)
        .group_by(*cause, Order.currency)
        .order_by(Order.currency)
    ):
        stakes[tuple(key)].append(Money(int(minor), currency))
    return stakes


def _stakes(shop_id: int, now: datetime) -> tuple[tuple[Money, ...], int]:
    """Per currency, and how many of the orders can still be opened."""
    rows = db.session.execute(
        select(
            Order.currency,
            func.sum(Order.amount_minor),
            func.count().filter(Order.state.in_((OrderState.temporary, OrderState.awaiting_payment))),
        )
        .where(Order.id.in_(select(Callback.order_id).where(needs_a_person(shop_id, now))))
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    return tuple(Money(int(minor), currency) for currency, minor, _ in rows), sum(row[2] for row in rows)
