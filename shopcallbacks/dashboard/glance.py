"""A glance at the queue: whether what a screen shows of it is still true, for the price of one statement.

Open screens ask this over and over, and are drawn anew only when the answer changes (docs/decisions/live-updates.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select

from ..callbacks.callback import Callback
from ..domain.states import State
from ..extensions import db
from ..orders.feed import Feed
from ..words.formats import age
from .pulse import Pulse, is_alive
from .queue import in_queue, on_its_way


@dataclass(frozen=True)
class Glance:
    """The least that tells whether a screen of the queue is still true.

    `digest` changes with every callback that comes into the queue, leaves it or moves on in it; `position` with every
    order that changes. `last`: when the latest processed one came.
    """

    now: datetime
    count: int
    oldest: datetime | None
    last: datetime | None
    digest: int
    position: int
    looked_at_until: datetime
    worker_seen: datetime | None

    @property
    def worker_alive(self) -> bool:
        return is_alive(self.worker_seen, self.now)

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


def look(shop_id: int, now: datetime) -> Glance:
    """One statement over the queue's index."""
    person = ~on_its_way(now)
    position = select(Feed.position).where(Feed.shop_id == shop_id).scalar_subquery()
    done = and_(Callback.shop_id == shop_id, Callback.state == State.processed)
    last = select(func.max(Callback.received_at)).where(done).scalar_subquery()
    count, oldest, digest, unlooked, position_, last_, seen = db.session.execute(
        select(
            func.count().filter(person),
            func.min(Callback.received_at).filter(person),
            func.bit_xor(func.hashint8extended(Callback.id, Callback.version)),
            func.min(Callback.received_at).filter(Callback.state == State.received),
            position,
            last,
            select(func.min(Pulse.seen_at)).scalar_subquery(),
        ).where(in_queue(shop_id))
    ).one()
    return Glance(now, count, oldest, last_, digest or 0, position_ or 0, unlooked or now, seen)
