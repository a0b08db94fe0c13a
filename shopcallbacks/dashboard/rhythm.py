"""The rhythm of a gateway: how much usually comes at this time of day, and whether its silence is plausible.

Pure: counts by hour and times in, an answer out. A day is compared with the days before the silence at the same time
of the shop's clock: with the middle one of two weeks, and with the same days of the week. The lower of both counts,
so that neither a night nor a Sunday on which nothing ever comes is called silent.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# So many days are compared, looked for in so many; with fewer than a week of them nothing is usual yet.
COMPARED, BACK, LEAST = 14, 28, 7
# So many callbacks must usually have come in the time of the silence. Of so many, none comes by chance once in 3,000.
ENOUGH = 8.0
SHORTEST = timedelta(minutes=15)


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
        """How many an hour usually come at this time of day."""
        return self.usual(now - HOUR, now, last)

    def silent(self, now: datetime, last: datetime | None) -> bool:
        """Silent for longer than is plausible at this time. What never spoke is not silent, only new."""
        if last is None or now - last < SHORTEST:
            return False
        missed = self.usual(max(last, now - DAY), now, last)
        return missed is not None and missed >= ENOUGH

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
