"""Figures for the dashboard beside the queue: how many callbacks an hour, from which gateway, how fast.

Counts read indexes only, and everything else is about the latest few thousand, so a long history costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Float, case, func, literal_column, select

from .account_health import LATEST, last_genuine
from .attempts import BY_A_PERSON, Attempt
from .callbacks import Callback, State
from .extensions import db
from .orders import Order
from .shops import GatewayAccount, Shop
from .transitions import OrderState

HOUR = timedelta(hours=1)
DAY_HOURS, RECENT_HOURS = 24, 12
HOUR_OF = func.date_trunc(literal_column("'hour'"), Callback.received_at)
# An account is late when its last callback is this many times older than the usual gap, and at least that old.
LATE_TIMES, LATE_AFTER = 10, timedelta(minutes=10)
SILENT_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Hour:
    """An hour of the shop's clock, and what came in it."""

    start: datetime
    processed: int
    unprocessed: int

    @property
    def total(self) -> int:
        return self.processed + self.unprocessed


@dataclass(frozen=True)
class AccountFigures:
    """`usual`: the usual time between two callbacks, where there were enough to tell."""

    account: GatewayAccount
    hours: tuple[int, ...]
    last_genuine: datetime | None
    usual: timedelta | None
    late: bool


@dataclass(frozen=True)
class Speed:
    """Of the callbacks processed in the last 24 hours (the latest few thousand): arrival to effect."""

    median: timedelta
    slow: timedelta
    alone: float


def hours(shop: Shop, now: datetime) -> list[Hour]:
    """The last 24 hours of the shop, the one that runs last."""
    starts = _starts(now, DAY_HOURS)
    rows = db.session.execute(
        select(
            HOUR_OF,
            func.count().filter(Callback.state == State.processed),
            func.count().filter(Callback.state != State.processed),
        )
        .where(
            Callback.shop_id == shop.id,
            Callback.state.in_((State.processed, State.unprocessed, State.received)),
            Callback.received_at >= starts[0],
        )
        .group_by(HOUR_OF)
    )
    found = {start: (processed, unprocessed) for start, processed, unprocessed in rows}
    return [Hour(start, *found.get(start, (0, 0))) for start in starts]


def _starts(now: datetime, count: int) -> list[datetime]:
    this = now.replace(minute=0, second=0, microsecond=0)
    return [this - HOUR * back for back in reversed(range(count))]


def accounts(shop: Shop, now: datetime) -> list[AccountFigures]:
    starts = _starts(now, RECENT_HOURS)
    rows = db.session.execute(
        select(Callback.account_id, HOUR_OF, func.count())
        .where(Callback.account_id.in_([a.id for a in shop.accounts]), Callback.received_at >= starts[0])
        .group_by(Callback.account_id, HOUR_OF)
    )
    found = {(account_id, start): count for account_id, start, count in rows}
    return [_account(account, tuple(found.get((account.id, s), 0) for s in starts), now) for account in shop.accounts]


def _account(account: GatewayAccount, counts: tuple[int, ...], now: datetime) -> AccountFigures:
    last = last_genuine(account)
    usual = HOUR * RECENT_HOURS / sum(counts) if sum(counts) >= RECENT_HOURS else None
    late = usual is not None and last is not None and now - last > max(usual * LATE_TIMES, LATE_AFTER)
    return AccountFigures(account, counts, last, usual, late)


def speed(shop: Shop, now: datetime) -> Speed | None:
    """None where nothing was processed in that time."""
    helped = (
        select(Attempt.id).where(Attempt.callback_id == Callback.id, Attempt.kind.in_(BY_A_PERSON)).correlate(Callback)
    ).exists()
    latest = (
        select(
            func.extract("epoch", Callback.settled_at - Callback.received_at).label("took"),
            case((Callback.attempt_count > 1, ~helped), else_=True).label("alone"),
        )
        .where(
            Callback.shop_id == shop.id,
            Callback.state == State.processed,
            Callback.received_at >= now - HOUR * DAY_HOURS,
        )
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(LATEST)
        .subquery()
    )
    median, slow, alone = db.session.execute(
        select(
            func.percentile_cont(0.5).within_group(latest.c.took),
            func.percentile_cont(0.95).within_group(latest.c.took),
            func.avg(case((latest.c.alone, 1.0), else_=0.0)).cast(Float),
        )
    ).one()
    return Speed(timedelta(seconds=median), timedelta(seconds=slow), alone) if median is not None else None


@dataclass(frozen=True)
class Silence:
    """Temporary orders of the last 24 hours about which no callback came at all, though it should have."""

    count: int
    oldest: Order | None


def silence(shop: Shop, now: datetime) -> Silence:
    silent = (
        select(Order)
        .where(
            Order.shop_id == shop.id,
            Order.state == OrderState.temporary,
            Order.test.is_(False),
            Order.created_at.between(now - HOUR * DAY_HOURS, now - SILENT_AFTER),
            ~select(Callback.id).where(Callback.order_id == Order.id).correlate(Order).exists(),
        )
        .order_by(Order.created_at, Order.id)
        .limit(LATEST)
    )
    count = db.session.scalar(select(func.count()).select_from(silent.subquery())) or 0
    return Silence(count, db.session.scalar(silent.limit(1)))


def last_processed(shop: Shop) -> tuple[datetime, str] | None:
    """When the last one came that is processed, and from which gateway."""
    row = db.session.execute(
        select(Callback.received_at, GatewayAccount.title)
        .join(Callback.account)
        .where(Callback.shop_id == shop.id, Callback.state == State.processed)
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def any_callback(shop: Shop) -> bool:
    return db.session.scalar(select(select(Callback.id).where(Callback.shop_id == shop.id).exists())) is True
