"""A glance at the queue: whether what a screen shows of it is still true, for the price of one statement.

Open screens ask this over and over, and are drawn anew only when the answer changes (docs/decisions/live-updates.md).
Then they look closer: at why callbacks wait, and what is at stake.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from flask import current_app
from sqlalchemy import ColumnElement, ScalarSelect, and_, func, select

from ..callbacks.callback import Callback
from ..domain.states import OrderState, State
from ..domain.values import Money
from ..extensions import db
from ..orders.feed import Feed
from ..orders.lists import real, sums, those
from ..orders.order import Order
from ..words.formats import age
from .causes import Group, causes
from .decisions import undecided
from .pulse import MISSED_AFTER, Pulse, is_alive
from .queue import in_queue, needs_a_person, on_its_way

T = TypeVar("T")


@dataclass(frozen=True)
class Glance:
    """The least that tells whether a screen of the queue is still true.

    `digest` changes with every callback that comes into the queue, leaves it or moves on in it; `position` with every
    order that changes. `last`: when the latest processed one came. `count`: how many need a person; `to_decide`: how
    many of these are payments to decide on; `on_their_way`: how many nobody needs to touch yet; `due`: what a worker
    should have taken by now. `looked_at_until`: everything received before has been looked at.
    """

    now: datetime
    count: int
    to_decide: int
    on_their_way: int
    due: int
    oldest: datetime | None
    last: datetime | None
    digest: int
    position: int
    looked_at_until: datetime
    worker_seen: datetime | None

    @property
    def queued(self) -> int:
        return self.count + self.on_their_way

    @property
    def worker_alive(self) -> bool:
        return is_alive(self.worker_seen, self.now)

    @property
    def since(self) -> datetime:
        """A person has been needed; now, where none is."""
        return self.oldest or self.now

    @property
    def worker_missed(self) -> bool:
        """For so long that somebody must look; one that was never seen, once a callback has waited so long for it."""
        since = self.worker_seen or (self.looked_at_until if self.due else self.now)
        return self.now - since > MISSED_AFTER

    @property
    def state(self) -> str:
        """The same as long as nothing has happened."""
        last = int(self.last.timestamp() * 1000) if self.last else 0
        return f"{self.count}.{self.digest}.{self.position}.{last}"

    @property
    def version(self) -> str:
        """The same as long as the widget would say the same, its ages included; no time at all without a worker."""
        if not self.worker_alive:
            return f"{self.state}.{self.now.timestamp()}"
        shown = self.oldest or self.last
        return f"{self.state}.{age(shown, self.now) if shown else ''}".replace(" ", "")


# So long at most: how many came lately changes by itself.
KEPT = timedelta(minutes=1)
# Where so many are queued a closer look takes tenths of a second, and in a storm each callback would call for another:
# there one is enough each few seconds, for all who look.
MANY, SELDOM = 10_000, timedelta(seconds=5)
# Where so many are, a glance itself takes milliseconds.
SOME, MOMENT = 500, timedelta(seconds=1)


@dataclass(frozen=True)
class Summary(Glance):
    """What stands on the queue at one moment.

    `stakes`: the amounts of the orders that callbacks here are about, each order once and no test ones; never what a
    callback claims.
    `openable`: how many of those orders can still be opened.
    """

    groups: tuple[Group, ...]
    stakes: tuple[Money, ...]
    openable: int


def look(shop_id: int, now: datetime) -> Glance:
    """One statement over the queue's index."""
    by_itself = on_its_way(now)
    position = select(Feed.position).where(Feed.shop_id == shop_id)
    to_decide = select(func.count()).select_from(Callback).where(undecided(shop_id, now))
    row = db.session.execute(
        select(
            func.count().filter(by_itself).label("on_their_way"),
            func.count().label("queued"),
            func.count().filter(Callback.due_at <= now).label("due"),
            func.min(Callback.received_at).filter(~by_itself).label("oldest"),
            func.bit_xor(func.hashint8extended(Callback.id, Callback.version)).label("digest"),
            to_decide.scalar_subquery().label("to_decide"),
            _received(shop_id, State.received, func.min).label("unlooked"),
            _received(shop_id, State.processed, func.max).label("last"),
            position.scalar_subquery().label("position"),
            select(func.min(Pulse.seen_at)).scalar_subquery().label("worker_seen"),
        ).where(in_queue(shop_id))
    ).one()
    return Glance(
        now=now,
        count=row.queued - row.on_their_way,
        to_decide=row.to_decide,
        on_their_way=row.on_their_way,
        due=row.due,
        oldest=row.oldest,
        last=row.last,
        digest=row.digest or 0,
        position=row.position or 0,
        looked_at_until=row.unlooked or now,
        worker_seen=row.worker_seen,
    )


def lately(shop_id: int, now: datetime) -> Glance:
    """For those who look on. Where so much is queued that each look takes milliseconds, and something happens between
    any two, it may be of a moment ago: one look for all of a process.
    """
    kept: dict[int, Glance] = current_app.extensions.setdefault("glances", {})
    before = kept.get(shop_id)
    if before is None or before.queued <= SOME or abs(now - before.now) >= MOMENT:
        before = kept[shop_id] = look(shop_id, now)
    return before


def _received(shop_id: int, state: State, first: Callable[[Any], ColumnElement[datetime]]) -> ScalarSelect[datetime]:
    """When the first or the latest of that state came."""
    of_state = and_(Callback.shop_id == shop_id, Callback.state == state)
    return select(first(Callback.received_at)).where(of_state).scalar_subquery()


def closer(shop_id: int, found: Glance) -> Summary:
    """At what was glanced at. Where nobody is needed there is nothing to see; where very much is queued it may all be
    as of a few seconds ago.
    """
    if not found.count:
        return Summary(**vars(found), groups=(), stakes=(), openable=0)
    may_lag = SELDOM if found.queued > MANY else None
    kept = while_it_stands(shop_id, found, "needed", lambda: _closer(shop_id, found.now), may_lag)
    groups, stakes, openable = kept.seen
    return Summary(**vars(kept.as_of), groups=groups, stakes=stakes, openable=openable)


def _closer(shop_id: int, now: datetime) -> tuple[tuple[Group, ...], tuple[Money, ...], int]:
    waiting = needs_a_person(shop_id, now)
    about = those(select(Callback.order_id).where(waiting))
    openable = func.count().filter(Order.state.in_((OrderState.temporary, OrderState.awaiting_payment)))
    return causes(waiting), *sums(real(Order.amount_minor), about, counted=openable)


@dataclass(frozen=True)
class Kept(Generic[T]):
    """What a look at the queue saw, and as of which glance. `since`: somebody looks, or looked last."""

    as_of: Glance
    seen: T
    since: datetime


def while_it_stands(
    shop_id: int, found: Glance, what: Hashable, see: Callable[[], T], may_lag: timedelta | None = None
) -> Kept[T]:
    """What that look at the shop's queue sees. It costs as much as there is in the queue, so what was seen of `what`
    when the queue was in the same state is seen still: kept by process, a minute at most. `may_lag`: or what was seen
    before, for so long after somebody began to look.
    """
    kept: dict[Hashable, Kept[T]] = current_app.extensions.setdefault("closer", {})
    key, before = (shop_id, what), kept.get((shop_id, what))
    if before is not None:
        if before.as_of.state == found.state and abs(found.now - before.as_of.now) <= KEPT:
            return replace(before, as_of=found)
        if may_lag is not None and abs(found.now - before.since) < may_lag:
            return before
        kept[key] = replace(before, since=found.now)
    kept[key] = Kept(found, see(), found.now)
    return kept[key]


def summary(shop_id: int, now: datetime) -> Summary:
    return closer(shop_id, look(shop_id, now))
