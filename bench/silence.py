"""When a gateway's silence is told: drawn shops, from one callback a week to 10,000 a day. Pure, seeded, bounded.

For each: how long after the gateway really stops it is called silent, and how often in a year although it has not.
"""

from __future__ import annotations

import random
import statistics
import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shopcallbacks.dashboard.rhythm import SHORTEST, Rhythm
from shopcallbacks.dashboard.week import DAY, HOUR

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
HISTORY, LATEST = timedelta(weeks=8), timedelta(weeks=20)
STOPS = 60
WEEKLY = {"1 a week": 1, "3 a week": 3}
DAILY = {"1": 1, "2": 2, "4": 4, "8": 8, "20": 20, "100": 100, "1,000": 1_000, "10,000": 10_000}  # on open days
# How a day's callbacks are spread over its hours: weights.
Shape = Callable[[datetime], float]


def round_the_clock(at: datetime) -> float:
    return 1.0


def office_hours(at: datetime) -> float:
    return 1.0 if 8 <= at.hour < 18 and at.weekday() < 5 else 0.0


def night_dips(at: datetime) -> float:
    """Quiet from one to six, most in the evening, half as much again at weekends."""
    by_day = 0.05 if 1 <= at.hour < 6 else 1.0 + (at.hour >= 17)
    return by_day * (1.5 if at.weekday() >= 5 else 1.0)


SHAPES: tuple[Shape, ...] = (round_the_clock, office_hours, night_dips)


@dataclass(frozen=True)
class Drawn:
    """A shop's callbacks: by hour, and the times that begin or end a pause worth looking at.

    `short`: less of a pause is none that any rule calls silent.
    """

    came: dict[datetime, int]
    times: list[datetime]
    end: datetime
    short: timedelta


def poisson(mean: float, chance: random.Random) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, mean**0.5)))
    count, left = 0, chance.expovariate(1.0)
    while left < mean:
        count += 1
        left += chance.expovariate(1.0)
    return count


def draw(shape: Shape, per_week: float, weeks: int, told_in: int, chance: random.Random) -> Drawn:
    """`told_in`: so many callbacks tell one payment, within five minutes."""
    of_week = [shape(START + HOUR * n) for n in range(168)]
    per_weight = per_week / sum(of_week) / told_in
    came: dict[datetime, int] = {START + HOUR * n: 0 for n in range(weeks * 168 + 1)}
    times: list[datetime] = []
    for n in range(weeks * 168):
        hour = START + HOUR * n
        count = poisson(per_weight * of_week[n % 168], chance)
        if count > 200:  # no pause within such an hour is worth looking at
            came[hour] += count * told_in
            times += [hour + timedelta(minutes=min(10 * part, 59.9)) for part in range(7)]
            continue
        for _ in range(count):
            paid = hour + HOUR * chance.random()
            for _ in range(told_in):
                told = paid + timedelta(minutes=5) * (chance.random() if told_in > 1 else 0)
                times.append(told)
                came[told.replace(minute=0, second=0, microsecond=0)] += 1
    short = max(SHORTEST, 3 * HOUR / (per_weight * told_in * max(of_week)))
    return Drawn(came, sorted(times), START + timedelta(weeks=weeks), short)


def false_alarms(drawn: Drawn, watched_from: datetime) -> float:
    """A year: pauses that were called silent before they ended. (A longer silence is never less of one.)"""
    rhythm = Rhythm(drawn.came, START, "UTC")
    pauses = zip(drawn.times, drawn.times[1:], strict=False)
    looked_at = ((last, until) for last, until in pauses if until - last > drawn.short and last >= watched_from)
    found = sum(rhythm.silent(until, last) for last, until in looked_at)
    return found / ((drawn.end - watched_from) / timedelta(days=365))


def told_after(drawn: Drawn, stop: datetime) -> timedelta | None:
    """How long after the stop, to five minutes; None where not within `LATEST`."""
    rhythm = Rhythm(drawn.came, START, "UTC")
    last = drawn.times[bisect_right(drawn.times, stop) - 1]
    low, high = timedelta(), LATEST
    if not rhythm.silent(stop + high, last):
        return None
    while high - low > timedelta(minutes=5):
        middle = (low + high) / 2
        low, high = (low, middle) if rhythm.silent(stop + middle, last) else (middle, high)
    return high


def in_words(delay: timedelta | None) -> str:
    if delay is None:
        return "never"
    return f"{delay / DAY:.1f} d" if delay >= 2 * DAY else f"{delay / HOUR:.1f} h"


def open_days(shape: Shape) -> list[bool]:
    return [any(shape(START + DAY * day + HOUR * hour) for hour in range(24)) for day in range(7)]


def end_of_next_open_day(stop: datetime, shape: Shape) -> datetime:
    day = stop.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    while not open_days(shape)[day.weekday()]:
        day += DAY
    return day + DAY


def line(name: str, label: str, shape: Shape, told_in: int, chance: random.Random) -> str:
    per_week = WEEKLY.get(label) or DAILY[label] * sum(open_days(shape))
    drawn = draw(shape, per_week, 8 + (52 if per_week >= 500 else 156), told_in, chance)
    watched = START + HISTORY
    alarms = false_alarms(drawn, watched)
    # Stops come when the shop is open: at other times nothing is lost.
    stops = [at for at in (watched + (drawn.end - watched) * chance.random() for _ in range(STOPS * 9)) if shape(at)]
    delays = [(stop, told_after(drawn, stop)) for stop in stops[:STOPS]]
    sizes = sorted(LATEST if delay is None else delay for _, delay in delays)
    next_day = sum(delay is not None and stop + delay < end_of_next_open_day(stop, shape) for stop, delay in delays)
    new = [false_alarms(draw(shape, per_week, 8, told_in, chance), START) for _ in range(10 if per_week < 5000 else 2)]
    median, ninth = (in_words(sizes[int(len(sizes) * part)]) for part in (0.5, 0.9))
    return (
        f"{name:<24} {label:>9} {median:>9} {ninth:>9} {100 * next_day / len(delays):>9.0f} % "
        f"{alarms:>9.1f} {statistics.mean(new):>9.1f}"
    )


def main(only: str = "") -> None:
    print(f"{'':<34} {'told after the stop':^19} {'by the next':>11} {'false alarms a year':>19}")
    print(f"{'':<24} {'a day':>9} {'median':>9} {'9 of 10':>9} {'open day':>11} {'known':>9} {'first 8 w':>9}")
    for told_in in (1, 3):
        for shape in SHAPES:
            name = shape.__name__.replace("_", " ") + (f", {told_in} for each" if told_in > 1 else "")
            for label in (*WEEKLY, *DAILY):
                if only in f"{name} {label}":
                    print(line(name, label, shape, told_in, random.Random(f"{name} {label}")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
