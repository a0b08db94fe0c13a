"""Results: what came over a period, hour by hour or day by day, and how much of it each gateway got accepted.

Processed is what came less what is not: totals of past hours are kept (`arrivals`), and what is unprocessed or invalid
is counted as it stands now. So a retry or a removal shows at once, and traffic costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from ..callbacks.callback import Callback
from ..domain.errors import Reason
from ..domain.states import State, Verb
from ..extensions import db
from ..shops.accounts import GatewayAccount, Shop
from ..shops.acts import Activity
from . import arrivals
from .arrivals import HOUR, ByHour, hour_column, hour_of
from .speed import helped_by_a_person


class Period(StrEnum):
    """What a bar of the chart stands for."""

    hours = "hours"
    days = "days"


SHOWN = {Period.hours: 24, Period.days: 30}


@dataclass(frozen=True)
class Bar:
    """An hour or a day of the shop's clock, and what came in it."""

    start: datetime
    processed: int
    unprocessed: int
    invalid: int

    @property
    def total(self) -> int:
        return self.processed + self.unprocessed + self.invalid


@dataclass(frozen=True)
class Acceptance:
    """Of what came from one gateway account. `helped`: processed with a person's help."""

    account: GatewayAccount
    came: int
    processed: int
    helped: int
    not_genuine: int

    @property
    def alone(self) -> int:
        return self.processed - self.helped

    @property
    def share(self) -> float | None:
        return self.processed / self.came if self.came else None


@dataclass(frozen=True)
class Results:
    """What came over a period: a bar for each hour or day, and each gateway account's share."""

    period: Period
    bars: tuple[Bar, ...]
    gateways: tuple[Acceptance, ...]

    def count(self, state: str) -> int:
        return sum(getattr(bar, state) for bar in self.bars)


def starts(period: Period, now: datetime, zone: str) -> list[datetime]:
    """Where each bar begins, the one that runs last. A day of the shop's clock may have 23 or 25 hours."""
    back = reversed(range(SHOWN[period]))
    if period is Period.hours:
        this = hour_of(now, zone)
        return [this - HOUR * hours for hours in back]
    clock = ZoneInfo(zone)
    today = now.astimezone(clock).date()
    return [datetime.combine(today - timedelta(days=days), time(), clock) for days in back]


def count(shop: Shop, period: Period, now: datetime, arrived: Mapping[int, ByHour] | None = None) -> Results:
    """`arrived`: what came by account and hour, where that is known from the first bar on, or longer."""
    begins = starts(period, now, shop.time_zone)
    came, waiting, invalid = (Counter[int]() for _ in range(3))
    of_account, left, forged = (Counter[int]() for _ in range(3))
    if arrived is None:
        arrived = arrivals.counts_since(shop.accounts, begins[0], shop.time_zone)
    for account_id, hours in arrived.items():
        for hour, found in hours.items():
            if hour >= begins[0]:
                came[_place(begins, hour)] += found.came
                of_account[account_id] += found.came
    for account_id, hour, state, reason, count in _exceptions(shop, begins[0]):
        of_state = invalid if state is State.invalid else waiting
        of_state[_place(begins, hour)] += count
        left[account_id] += count
        forged[account_id] += count if reason is Reason.not_genuine else 0
    helped = _helped(shop, begins[0])
    return Results(
        period,
        tuple(Bar(start, came[n] - waiting[n] - invalid[n], waiting[n], invalid[n]) for n, start in enumerate(begins)),
        tuple(
            Acceptance(a, of_account[a.id], of_account[a.id] - left[a.id], helped.get(a.id, 0), forged[a.id])
            for a in shop.accounts
        ),
    )


def _place(begins: Sequence[datetime], moment: datetime) -> int:
    return bisect_right(begins, moment) - 1


def _exceptions(shop: Shop, start: datetime) -> Sequence[tuple[int, datetime, State, Reason | None, int]]:
    """What is not processed: by account, hour, state and reason."""
    hour = hour_column(shop.time_zone)
    by = (Callback.account_id, hour, Callback.state, Callback.reason)
    rows = db.session.execute(
        select(*by, func.count())
        .where(
            Callback.shop_id == shop.id,
            Callback.state.in_((State.received, State.unprocessed, State.invalid)),
            Callback.received_at >= start,
            Callback.imported_at.is_(None),
        )
        .group_by(Callback.account_id, hour, Callback.state, Callback.reason)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def _helped(shop: Shop, start: datetime) -> dict[int, int]:
    """How many of each account are processed with a person's help: found by the acts, which are few."""
    rows = db.session.execute(
        select(Callback.account_id, func.count(Callback.id.distinct()))
        .join(Activity, Activity.callback_id == Callback.id)
        .where(
            Activity.shop_id == shop.id,
            Activity.at >= start,
            Activity.verb.in_(list(Verb)),
            helped_by_a_person(),
            Callback.state == State.processed,
            Callback.received_at >= start,
            Callback.imported_at.is_(None),
        )
        .group_by(Callback.account_id)
    )
    return {row[0]: row[1] for row in rows}
