"""The rhythm of a gateway: how much usually comes at this time of day, and whether its silence is plausible.

Pure: counts by hour and times in, an answer out. Two rules, each of which is enough (docs/decisions/silence.md):

Of the hours just past, where much comes: they are compared with the days before the silence at the same time of the
shop's clock: with the middle one of two weeks, and with the same days of the week. The lower of both counts, so that
neither a night nor a Sunday on which nothing ever comes is called silent.

Of the whole pause, where little comes: it is compared with the shop's own pauses of eight weeks, and a day of the
calendar on which nothing came with what such a day usually brings.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .week import DAY, HOUR, Week

# So many days are compared, looked for in so many; with fewer than a week of them nothing is usual yet.
COMPARED, BACK, LEAST = 14, 28, 7
# So many days of a silence are compared; by then the whole pause says it.
FIRST_DAYS = 7
# So many callbacks must usually have come in the time of the silence. Of so many, none comes by chance once in 3,000.
ENOUGH = 8.0
SHORTEST = timedelta(minutes=15)
HOURS_A_YEAR = 365 * 24
# A pause is a silence where it is so much longer than the shop's longest, but never before so many hours that usually
# bring something are missed, and always after so many.
LONGER, PAUSE_LEAST, PAUSE_MOST = 1.3, 5.0, 7.0
# A day of the calendar on which nothing came is one where so many such hours are missed, and nearly all of its own.
DAY_MISSED, NEARLY_ALL = 2.7, 0.95


@dataclass(frozen=True)
class Rhythm:
    """`came`: how many genuine callbacks came in each hour, by its start. `began`: from when on that is known."""

    came: Mapping[datetime, int]
    began: datetime
    zone: str

    def usual(self, start: datetime, end: datetime, before: datetime) -> float | None:
        """How many usually come between two times of day; None where too little is known. Of days before a time."""
        found: dict[int, float] = {}
        for back in range(1, BACK + 1):
            then, until = self._earlier(start, back), self._earlier(end, back)
            if until <= before and then >= self.began and len(found) < COMPARED:
                found[back] = self._between(then, until)
        same_day = [count for back, count in found.items() if back % 7 == 0]
        if len(found) < LEAST or not same_day:
            return None
        return min(statistics.median(found.values()), min(same_day))

    def per_hour(self, now: datetime, last: datetime) -> float | None:
        """How many an hour usually come at this time of day; where little comes, at any time of the week."""
        week = self.week(last)
        return week.per_hour if week and week.per_hour < 1 else self.usual(now - HOUR, now, last)

    def silent(self, now: datetime, last: datetime | None) -> bool:
        """Silent for longer than is plausible at this time. What never spoke is not silent, only new."""
        if last is None or now - last < SHORTEST:
            return False
        week = self.week(last)
        return week is not None and (self._hours_missed(now, last, week) or _paused(now, last, week))

    def week(self, before: datetime) -> Week | None:
        """The shop's usual week before that time; None where too little is known."""
        return Week.before(before, self.came, self.began, self.zone)

    def _hours_missed(self, now: datetime, last: datetime, week: Week) -> bool:
        """Too much is missing for the time of day. The more pauses a year has, the longer is its longest by chance."""
        enough = week.together * max(ENOUGH, math.log(max(week.per_hour * HOURS_A_YEAR, 1.0)))
        # Day by day, so that what is a silence on Friday is still one on a closed Sunday.
        starts = (last + DAY * n for n in range(FIRST_DAYS))
        missed = (self.usual(start, min(start + DAY, now), last) for start in starts if start < now)
        return any(count is not None and count >= enough for count in missed)

    def _earlier(self, moment: datetime, days: int) -> datetime:
        """The same time of the shop's clock, so many days before."""
        return (moment.astimezone(ZoneInfo(self.zone)) - timedelta(days=days)).astimezone(UTC)

    def _between(self, start: datetime, end: datetime) -> float:
        """How many came between; of an hour that is only partly within, its part."""
        total, offset = 0.0, self._offset
        hour = start - (start - offset) % HOUR
        while hour < end:
            part = (min(hour + HOUR, end) - max(hour, start)) / HOUR
            total += self.came.get(hour, 0) * part
            hour += HOUR
        return total

    @property
    def _offset(self) -> datetime:
        """A start of an hour."""
        return next(iter(self.came), self.began)


def _paused(now: datetime, last: datetime, week: Week) -> bool:
    """The pause is longer than the shop's own, or a whole day is missing."""
    if week.missed(last, now) >= min(max(LONGER * week.longest, PAUSE_LEAST), PAUSE_MOST):
        return True
    for midnight, next_midnight in week.days(last, now):
        missed, whole = week.missed(midnight, min(now, next_midnight)), week.missed(midnight, next_midnight)
        usual = week.whole_day(midnight.astimezone(week.zone).weekday())
        if usual >= DAY_MISSED and missed >= NEARLY_ALL * whole:
            return True
    return False
