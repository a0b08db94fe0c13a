"""Arrivals: how many callbacks came to each account in each hour of the shop's clock.

When a callback came never changes, so an hour that is over is counted once and kept. What still can change (what is
unprocessed, what was marked as invalid) is counted where it stands, and is little (docs/decisions/arrivals.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Label, func, literal, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ..callbacks.callback import Callback
from ..domain.values import Verdict
from ..extensions import Base, db
from ..shops.accounts import GatewayAccount, Shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What a first sweep of an account counts: the weeks whose rhythm is looked at.
KEPT = timedelta(weeks=9)
# A request that came in the last moment of an hour is committed by then.
COMMITTED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Count:
    """What came in an hour. `genuine`: as far as known when it was counted."""

    came: int = 0
    genuine: int = 0


class Arrivals(Base):
    """One account, one hour that is over."""

    __tablename__ = "arrivals"

    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    came: Mapped[int]
    genuine: Mapped[int]


def hour_of(moment: datetime, zone: str) -> datetime:
    """The start of the hour of the shop's clock: not every zone is whole hours away from UTC."""
    local = moment.astimezone(ZoneInfo(zone))
    return moment - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def hour_column(zone: str) -> Label[datetime]:
    """The same in SQL, of when a callback came. Written out, so that it can be grouped by."""
    return func.date_trunc("hour", Callback.received_at, literal(zone, literal_execute=True)).label("hour")


def keep(now: datetime, most: int = 50) -> int:
    """Counts hours that are over and not kept yet, for up to so many accounts. For how many. The caller commits."""
    last = select(func.max(Arrivals.hour).label("hour")).where(Arrivals.account_id == GatewayAccount.id).lateral("last")
    found = db.session.execute(
        select(GatewayAccount.id, Shop.time_zone, last.c.hour)
        .join(GatewayAccount.shop)
        .join(last, true())
        .where(func.coalesce(last.c.hour, now - KEPT) < now - 2 * HOUR - COMMITTED_AFTER)
        .limit(most)
    ).all()
    for account_id, zone, hour in found:
        end = hour_of(now - COMMITTED_AFTER, zone)
        since = max(hour + HOUR, hour_of(now - KEPT, zone)) if hour else hour_of(now - KEPT, zone)
        start = hour_of(since, zone)  # an hour of before, where the shop's clock is another now
        counts = _count(account_id, zone, since, end)
        hours = [start + HOUR * n for n in range((end - start) // HOUR)]
        rows = [
            {"account_id": account_id, "hour": hour, "came": counts[hour].came, "genuine": counts[hour].genuine}
            for hour in hours
        ]
        if rows:  # none where the clock went by half an hour
            db.session.execute(insert(Arrivals).on_conflict_do_nothing(), rows)
    return len(found)


def _count(account_id: int, zone: str, start: datetime, end: datetime | None = None) -> dict[datetime, Count]:
    """What came in each hour that something came in, from the index."""
    hour = hour_column(zone)
    genuine = func.count().filter(Callback.verdict == Verdict.genuine)
    here = Callback.imported_at.is_(None)
    within = [Callback.account_id == account_id, Callback.received_at >= start, here]
    if end is not None:
        within.append(Callback.received_at < end)
    rows = db.session.execute(select(hour, func.count(), genuine).where(*within).group_by(hour))
    return defaultdict(Count, {at: Count(came, known) for at, came, known in rows})


ByHour = dict[datetime, Count]


def counts_since(accounts: Iterable[GatewayAccount], start: datetime, zone: str) -> dict[int, ByHour]:
    """By account and hour, from an hour on: what is kept, and behind that what is counted now."""
    ids = [account.id for account in accounts]
    found: dict[int, dict[datetime, Count]] = {id_: defaultdict(Count) for id_ in ids}
    ends = dict.fromkeys(ids, start)
    for row in db.session.execute(
        select(Arrivals.account_id, Arrivals.hour, Arrivals.came, Arrivals.genuine)
        .where(Arrivals.account_id.in_(ids), Arrivals.hour >= start)
        .order_by(Arrivals.hour)
    ):
        found[row.account_id][row.hour] = Count(row.came, row.genuine)
        ends[row.account_id] = row.hour + HOUR
    for account_id, end in ends.items():
        found[account_id] |= _count(account_id, zone, end)
    return found


@dataclass(frozen=True)
class Ever:
    """All that came since hours are kept, and when the latest did."""

    came: int = 0
    last: datetime | None = None

    def __add__(self, other: Ever) -> Ever:
        return Ever(self.came + other.came, max(filter(None, (self.last, other.last)), default=None))


def ever(now: datetime) -> dict[str, Ever]:
    """By gateway, over all shops. Never falls, but where hours were not kept for as long as a first sweep counts.

    Each account by itself: over all of them at once the planner would rather read every callback.
    """
    kept = (
        select(func.max(Arrivals.hour).label("hour"), func.coalesce(func.sum(Arrivals.came), 0).label("came"))
        .where(Arrivals.account_id == GatewayAccount.id)
        .lateral("kept")
    )
    accounts = db.session.execute(
        select(GatewayAccount.id, GatewayAccount.gateway_name, kept.c.hour, kept.c.came)
        .join(kept, true())
        .order_by(GatewayAccount.id)
    ).all()
    found: dict[str, Ever] = defaultdict(Ever)
    for id_, gateway, hour, came in accounts:
        of_account = Callback.account_id == id_
        since = select(func.count()).where(of_account, Callback.received_at >= (hour + HOUR if hour else now - KEPT))
        last = select(func.max(Callback.received_at)).where(of_account)
        count, at = db.session.execute(select(since.scalar_subquery(), last.scalar_subquery())).one()
        found[gateway] += Ever(int(came) + count, at)
    return found
