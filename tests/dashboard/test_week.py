"""A shop's usual week, as it is read from what came."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shopcallbacks.dashboard.week import HOUR, Week

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")


def drawn(told_in: int, weeks: int, chance: float = 0.2) -> dict[datetime, int]:
    """Payments by chance, each told in so many callbacks of one hour."""
    source = random.Random(told_in)
    hours = [MONDAY - HOUR * n for n in range(1, weeks * 168)]
    return {hour: told_in * sum(source.random() < chance for _ in range(5)) for hour in hours}


@pytest.mark.parametrize(("told_in", "weeks"), [(1, 8), (3, 8), (3, 2)])
def test_it_is_seen_how_many_callbacks_come_together(told_in: int, weeks: int) -> None:
    week = Week.before(MONDAY, drawn(told_in, weeks), MONDAY - timedelta(weeks=weeks), "UTC")
    assert week is not None
    assert week.together == pytest.approx(told_in * 0.8, rel=0.3) or week.together == told_in == 1


def test_hours_that_bring_something_are_counted_whatever_they_bring() -> None:
    came = {MONDAY - HOUR * n: 1000 * (n % 2) for n in range(1, 56 * 24)}
    week = Week.before(MONDAY, came, MONDAY - timedelta(days=55), "UTC")
    assert week is not None
    assert week.missed(MONDAY, MONDAY + timedelta(hours=10)) == 5
    assert week.per_hour == pytest.approx(500)


def test_less_than_a_week_is_none() -> None:
    began = MONDAY - timedelta(days=6, hours=23)
    assert Week.before(MONDAY, {began: 5}, began, "UTC") is None


def test_of_a_young_shop_the_lower_guess_counts() -> None:
    """Ten days: that it never came on a Tuesday but once may be chance."""
    came = {MONDAY - HOUR * n: int((MONDAY - HOUR * n).weekday() == 1) for n in range(1, 10 * 24)}
    week = Week.before(MONDAY, came, MONDAY - timedelta(days=10), "UTC")
    assert week is not None
    tuesday = MONDAY + timedelta(days=1)
    assert week.missed(tuesday, tuesday + timedelta(days=1)) == pytest.approx(24 * 0.1, rel=0.1)


def test_days_are_those_of_the_shops_calendar_also_when_the_clock_is_changed() -> None:
    saturday = datetime(2026, 10, 24, 12, tzinfo=VIENNA)
    came = {saturday.astimezone(UTC) - HOUR * n: 1 for n in range(1, 56 * 24)}
    week = Week.before(saturday, came, saturday - timedelta(days=50), "Europe/Vienna")
    assert week is not None
    days = list(week.days(saturday, saturday + timedelta(days=3)))
    assert [(end - start) / HOUR for start, end in days] == [25, 24, 24]
    assert all(start.astimezone(VIENNA).hour == 0 for start, _ in days)
