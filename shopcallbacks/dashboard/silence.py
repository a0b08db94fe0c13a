"""What is heard of each gateway account: when last, how much usually, and whether it has fallen silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..shops.accounts import GatewayAccount, Mode, Shop
from ..words.formats import PLAIN, Format, age
from ..words.pages import usually
from . import arrivals
from .arrivals import HOUR, ByHour, Count, hour_of
from .health import last_genuine
from .rhythm import Rhythm
from .week import LOOKED_AT

HOURS = 12
# An account that has been silent for longer is not looked at any more.
LONGEST = timedelta(weeks=26)


@dataclass(frozen=True)
class Heard:
    """`hours`: what came in each of the last hours; `not_genuine`: how many of those are not, or not known to be.
    `usual`: genuine ones an hour at this time, where that is known; where little comes, those of the whole week.
    """

    account: GatewayAccount
    hours: tuple[int, ...]
    not_genuine: int
    last_genuine: datetime | None
    usual: float | None
    silent: bool
    now: datetime

    @property
    def wrong(self) -> bool:
        """It fell silent, or calls and never genuinely, or is switched off."""
        return self.silent or not self.account.enabled or (self.last_genuine is None and self.not_genuine > 0)

    @property
    def silence(self) -> timedelta:
        return self.now - self.last_genuine if self.last_genuine else timedelta()


Lasts = Mapping[int, datetime | None]


def lasts_of(shop: Shop) -> Lasts:
    """When each account was last heard of, by its id."""
    return {account.id: last_genuine(account) for account in shop.accounts}


def known_from(shop: Shop, now: datetime, lasts: Lasts) -> datetime:
    """The first hour that tells of what is usual now."""
    quiet_for = max((min(now - last, LONGEST) for last in lasts.values() if last), default=timedelta())
    return hour_of(now - quiet_for, shop.time_zone) - LOOKED_AT


def heard(
    shop: Shop, now: datetime, lasts: Lasts | None = None, arrived: Mapping[int, ByHour] | None = None
) -> list[Heard]:
    """`arrived`: what came by account and hour, where that is known from `known_from` on, or longer."""
    lasts = lasts if lasts is not None else lasts_of(shop)
    start = known_from(shop, now, lasts)
    if arrived is None:
        arrived = arrivals.counts_since(shop.accounts, start, shop.time_zone)
    return [_heard(account, arrived[account.id], lasts[account.id], start, now) for account in shop.accounts]


def _heard(account: GatewayAccount, counts: ByHour, last: datetime | None, start: datetime, now: datetime) -> Heard:
    zone = account.shop.time_zone
    this = hour_of(now, zone)
    lately = [counts.get(this - HOUR * back, Count()) for back in reversed(range(HOURS))]
    hours, not_genuine = tuple(count.came for count in lately), sum(count.came - count.genuine for count in lately)
    # Counted from the whole hour on, so that the hours that are kept and those of the rhythm are the same. Of what
    # came before the first hour that is kept nothing is known.
    began = max(start, hour_of(account.created_at, zone) + HOUR, min(counts, default=start))
    rhythm = Rhythm({hour: count.genuine for hour, count in counts.items()}, began, zone)
    watched = account.enabled and account.mode is Mode.live
    usual = rhythm.per_hour(now, last) if last else None
    return Heard(account, hours, not_genuine, last, usual, watched and rhythm.silent(now, last), now)


def silent(heard: Heard, written: Format = PLAIN) -> str:
    """ "Stripe has been silent for 2 h 10 min; usual at this time: 14 an hour"."""
    lasts = age(heard.last_genuine, heard.now) if heard.last_genuine else ""
    usual = f"; {usually(heard.usual, written)}" if heard.usual else ""
    return f"{heard.account.title} has been silent for {lasts}{usual}"
