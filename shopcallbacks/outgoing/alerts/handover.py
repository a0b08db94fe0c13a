"""The daily hand-over: what came in since the same hour of the day before, what became of it, and what people did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from ...callbacks.callback import Callback
from ...domain.states import State
from ...extensions import db
from ...shops.accounts import Shop
from ...shops.acts import Activity
from ...shops.users import User


@dataclass(frozen=True)
class Day:
    """`acts`: how often each verb, by those who did it."""

    since: datetime
    states: dict[State, int]
    acts: tuple[tuple[str, str, int], ...]

    @property
    def received(self) -> int:
        return sum(self.states.values())


def day_before(shop: Shop, now: datetime) -> Day:
    """Since the same time on the shop's clock, which is 23 or 25 hours ago where the clock was changed."""
    since = (now.astimezone(ZoneInfo(shop.time_zone)) - timedelta(days=1)).astimezone(UTC)
    states = db.session.execute(
        select(Callback.state, func.count())
        .where(Callback.shop_id == shop.id, Callback.received_at >= since)
        .group_by(Callback.state)
    )
    acts = db.session.execute(
        select(User.name, Activity.verb, func.count())
        .select_from(Activity)
        .outerjoin(Activity.user)
        .where(Activity.shop_id == shop.id, Activity.at >= since)
        .group_by(User.name, Activity.verb)
        .order_by(User.name, Activity.verb)
    )
    return Day(
        since,
        {row[0]: row[1] for row in states},
        tuple((name or "the command line", verb, count) for name, verb, count in acts),
    )
