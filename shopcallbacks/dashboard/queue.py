"""The unprocessed queue: which callbacks need a person, which wait by themselves, and what stands on it.

Every query here reads the partial index `ix_callbacks_queue`, so its cost grows with the queue, never with what is
processed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, func, select

from ..callbacks.callback import STUCK_AFTER, Callback
from ..domain.states import BY_A_PERSON, OrderState, State
from ..domain.values import Money
from ..extensions import db
from ..orders.lists import sums
from ..orders.order import Order
from .causes import Group, causes
from .pulse import MISSED_AFTER, Pulse, is_alive


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


def due(shop_id: int, now: datetime) -> int:
    """How many a worker should have taken by now."""
    counted = select(func.count()).select_from(Callback).where(in_queue(shop_id), Callback.due_at <= now)
    return db.session.scalar(counted) or 0


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
        return is_alive(self.worker_seen, self.now)

    @property
    def worker_missed(self) -> bool:
        """For so long that somebody must look; one that was never seen, once a callback has waited so long for it."""
        since = self.worker_seen or (self.looked_at_until if self.due else self.now)
        return self.now - since > MISSED_AFTER


def summary(shop_id: int, now: datetime) -> Summary:
    """All of the widget's numbers."""
    about = Order.id.in_(select(Callback.order_id).where(needs_a_person(shop_id, now)))
    openable_ = func.count().filter(Order.state.in_((OrderState.temporary, OrderState.awaiting_payment)))
    stakes, openable = sums(Order.amount_minor, about, counted=openable_)
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
        now, causes(needs_a_person(shop_id, now)), stakes, openable, on_their_way, due, unlooked or now, seen
    )
