"""What is heard of each gateway account: when last, how much usually, and whether it has fallen silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..shops.accounts import GatewayAccount, Mode, Shop
from ..words.formats import PLAIN, Format, age
from ..words.pages import rate
from . import arrivals
from .arrivals import DAY, HOUR, ByHour, Count, hour_of
from .health import last_genuine
from .rhythm import BACK, Rhythm

HOURS = 12


@dataclass(frozen=True)
class Heard:
    """`hours`: what came in each of the last hours. `usual`: genuine ones an hour at this time, where that is known."""

    account: GatewayAccount
    hours: tuple[int, ...]
    last_genuine: datetime | None
    usual: float | None
    silent: bool
    now: datetime

    @property
    def silence(self) -> timedelta:
        return self.now - self.last_genuine if self.last_genuine else timedelta()


def known_from(shop: Shop, now: datetime) -> datetime:
    """The first hour that tells of what is usual now."""
    return hour_of(now, shop.time_zone) - DAY * (BACK + 1)


def heard(shop: Shop, now: datetime, arrived: Mapping[int, ByHour] | None = None) -> list[Heard]:
    """`arrived`: what came by account and hour, where that is known from `known_from` on, or longer."""
    start = known_from(shop, now)
    if arrived is None:
        arrived = arrivals.counts_since(shop.accounts, start, shop.time_zone)
    return [_heard(account, arrived[account.id], start, now) for account in shop.accounts]


def _heard(account: GatewayAccount, counts: ByHour, start: datetime, now: datetime) -> Heard:
    zone = account.shop.time_zone
    this = hour_of(now, zone)
    hours = tuple(counts.get(this - HOUR * back, Count()).came for back in reversed(range(HOURS)))
    last = last_genuine(account)
    # Counted from the whole hour on, so that the hours that are kept and those of the rhythm are the same.
    began = max(start, hour_of(account.created_at, zone) + HOUR)
    rhythm = Rhythm({hour: count.genuine for hour, count in counts.items()}, began, zone)
    watched = account.enabled and account.mode is Mode.live
    usual = rhythm.per_hour(now, last) if last else None
    return Heard(account, hours, last, usual, watched and rhythm.silent(now, last), now)


def silent(heard: Heard, written: Format = PLAIN) -> str:
    """ "Stripe has been silent for 2 h 10 min; usual at this time: 14 an hour"."""
    lasts = age(heard.last_genuine, heard.now) if heard.last_genuine else ""
    usual = f"; usual at this time: {rate(heard.usual, written)}" if heard.usual else ""
    return f"{heard.account.title} has been silent for {lasts}{usual}"
