"""A shop's usual week: how much each of its 168 hours brings, and how long it pauses. Pure.

Gateways tell one payment in two or three callbacks at once, so pauses are measured in **hours in which something
came**, not in callbacks: three callbacks of one minute say no more about the next one than one does.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# So much of the past is looked at; with less than a week of it nothing is usual yet.
LOOKED_AT, LEAST = timedelta(weeks=8), timedelta(weeks=1)
# From so much on each day of the week is taken for what it was; before, a Monday has been seen too seldom.
WEEKS_KNOWN = timedelta(weeks=4)
# A day of the week counts for itself where it differs from the others by so many times what chance does.
CLEARLY = 2.0
# A payment is told in so many callbacks at most; what varies more than that has other reasons.
TOGETHER = 5.0

Key = TypeVar("Key")


@dataclass(frozen=True)
class Week:
    """Means by (day of the week, hour) and by hour of any day: callbacks, and the share of hours that brought any.

    `longest`: its longest pause, in hours that usually bring something. `together`: how many callbacks come together.
    """

    zone: ZoneInfo
    callbacks: Mapping[tuple[int, int], float]
    busy: Mapping[tuple[int, int], float]
    busy_any_day: Mapping[int, float]
    known: timedelta
    longest: float
    together: float

    @classmethod
    def before(cls, moment: datetime, came: Mapping[datetime, int], began: datetime, zone: str) -> Week | None:
        """The week as it was before that moment, known from `began` on; None where that is too little."""
        clock = ZoneInfo(zone)
        first = max(began, moment - LOOKED_AT)
        hours = list(_whole_hours(first, moment, next(iter(came), began)))
        if len(hours) * HOUR < LEAST:
            return None
        slots = [_slot(hour, clock) for hour in hours]
        counts = [came.get(hour, 0) for hour in hours]
        of_day = [hour for _, hour in slots]
        busy = [min(count, 1) for count in counts]
        means, busy_means, known = _means(slots, counts), _means(slots, busy), len(hours) * HOUR
        return cls(
            clock,
            means,
            busy_means,
            _means(of_day, busy),
            known,
            _longest([busy_means[slot] for slot in slots], counts),
            _together(slots, counts) if known >= WEEKS_KNOWN else _together(of_day, counts),
        )

    @property
    def per_hour(self) -> float:
        """How many callbacks come in an hour, nights and Sundays counted in."""
        return sum(self.callbacks.values()) / 168

    def missed(self, start: datetime, end: datetime) -> float:
        """How many hours between usually bring something. Of a week that is known too little, the lower guess."""
        hours = list(self._hours(start, end))
        by_week = sum(part * self.busy.get(slot, 0.0) for slot, part in hours)
        if self.known >= WEEKS_KNOWN:
            return by_week
        return min(by_week, sum(part * self.busy_any_day.get(hour, 0.0) for (_, hour), part in hours))

    def whole_day(self, weekday: int) -> float:
        """How many hours of that day of the week usually bring something. A day that does not clearly differ from
        the others is seen too seldom to be taken for itself: then what any open day brings is usual.
        """
        own = self._of_day(weekday)
        opened = [count for count in map(self._of_day, range(7)) if count]
        if not own:
            return 0.0
        any_day, weeks = sum(opened) / len(opened), self.known / (7 * DAY)
        differs = abs(own - any_day) * weeks > CLEARLY * math.sqrt(any_day * weeks)
        return own if differs else any_day

    def _of_day(self, weekday: int) -> float:
        return sum(self.busy.get((weekday, hour), 0.0) for hour in range(24))

    def days(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The days of the shop's calendar that begin between, each from midnight to midnight."""
        day = start.astimezone(self.zone).date() + DAY
        while (midnight := datetime.combine(day, time(), self.zone).astimezone(UTC)) < end:
            day += DAY
            yield midnight, datetime.combine(day, time(), self.zone).astimezone(UTC)

    def _hours(self, start: datetime, end: datetime) -> Iterator[tuple[tuple[int, int], float]]:
        """Each hour of the shop's clock between, and how much of it."""
        while start < end:
            local = start.astimezone(self.zone)
            rest = HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            upto = min(start + rest, end)
            yield (local.weekday(), local.hour), (upto - start) / HOUR
            start = upto


def _whole_hours(start: datetime, end: datetime, some_hour: datetime) -> Iterator[datetime]:
    hour = start + (some_hour - start) % HOUR
    while hour + HOUR <= end:
        yield hour
        hour += HOUR


@lru_cache(4096)
def _slot(hour: datetime, clock: ZoneInfo) -> tuple[int, int]:
    local = hour.astimezone(clock)
    return local.weekday(), local.hour


def _means(keys: list[Key], counts: list[int]) -> dict[Key, float]:
    total: dict[Key, int] = defaultdict(int)
    times: dict[Key, int] = defaultdict(int)
    for key, count in zip(keys, counts, strict=True):
        total[key] += count
        times[key] += 1
    return {key: total[key] / times[key] for key in times}


def _together(keys: list[Key], counts: list[int]) -> float:
    """By how much the counts vary, beside those of callbacks that come one by one (variance by mean)."""
    means, times = _means(keys, counts), Counter(keys)
    varied = sum(
        (count - means[key]) ** 2 * times[key] / (times[key] - 1)
        for key, count in zip(keys, counts, strict=True)
        if times[key] > 1
    )
    total = sum(count for key, count in zip(keys, counts, strict=True) if times[key] > 1)
    return min(max(varied / total, 1.0), TOGETHER) if total else 1.0


def _longest(usual: list[float], counts: list[int]) -> float:
    longest = pause = 0.0
    for busy, count in zip(usual, counts, strict=True):
        pause = 0.0 if count else pause + busy
        longest = max(longest, pause)
    return longest
