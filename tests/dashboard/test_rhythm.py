"""When a gateway's silence is not plausible: a table of shops, and properties over random days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shopcallbacks.dashboard.rhythm import HOUR, Rhythm

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
Rate = Callable[[datetime], int]


def day_shop(at: datetime) -> int:
    """Open from 8 to 22."""
    return 14 if 8 <= at.hour < 22 else 0


def weekday_shop(at: datetime) -> int:
    return day_shop(at) if at.weekday() < 5 else 0


def saturday_shop(at: datetime) -> int:
    return day_shop(at) if at.weekday() == 5 else 0


def always(rate: int) -> Rate:
    return lambda at: rate


def rhythm(rate: Rate, until: datetime, days: int = 28, zone: str = "UTC") -> Rhythm:
    """A shop that has had that rate by its own clock for so many days, then nothing."""
    began = until.replace(minute=0) - timedelta(days=days)
    hours = (began + HOUR * n for n in range(days * 24 + 1))
    return Rhythm({hour: rate(hour.astimezone(ZoneInfo(zone))) for hour in hours if hour < until}, began, zone)


@pytest.mark.parametrize(
    ("shop", "last", "now", "silent"),
    [
        (always(14), MONDAY + timedelta(hours=12), timedelta(minutes=30), False),
        (always(14), MONDAY + timedelta(hours=12), timedelta(hours=2, minutes=10), True),
        (always(200), MONDAY + timedelta(hours=12), timedelta(minutes=14), False),
        (always(200), MONDAY + timedelta(hours=12), timedelta(minutes=16), True),
        (always(1), MONDAY + timedelta(hours=12), timedelta(hours=7), False),
        (always(1), MONDAY + timedelta(hours=12), timedelta(hours=9), True),
        (always(0), MONDAY + timedelta(hours=12), timedelta(hours=23), False),
        (day_shop, MONDAY + timedelta(hours=21, minutes=50), timedelta(hours=10), False),
        (day_shop, MONDAY + timedelta(hours=21, minutes=50), timedelta(hours=11), True),
        (weekday_shop, MONDAY - timedelta(days=2, hours=2, minutes=5), timedelta(hours=12), False),
        (weekday_shop, MONDAY - timedelta(days=2, hours=2, minutes=5), timedelta(days=2), False),
        (weekday_shop, MONDAY - timedelta(days=2, hours=2, minutes=5), timedelta(days=2, hours=11, minutes=5), True),
        (saturday_shop, MONDAY - timedelta(days=1, hours=2, minutes=5), timedelta(days=1, hours=14), False),
    ],
)
def test_silence_is_judged_by_the_time_of_day(shop: Rate, last: datetime, now: timedelta, silent: bool) -> None:
    assert rhythm(shop, last).silent(last + now, last) is silent


def test_days_of_silence_stay_a_silence() -> None:
    last = MONDAY + timedelta(hours=12)
    found = rhythm(day_shop, last)
    assert all(found.silent(last + timedelta(days=days, hours=2), last) for days in range(14))


def test_what_is_usual_is_said_an_hour() -> None:
    last = MONDAY + timedelta(hours=12)
    assert rhythm(day_shop, last).per_hour(last + HOUR, last) == 14
    assert rhythm(day_shop, last).per_hour(last + timedelta(hours=14), last) == 0


def test_a_new_gateway_has_nothing_usual() -> None:
    last = MONDAY + timedelta(hours=12)
    assert not rhythm(always(100), last, days=6).silent(last + timedelta(hours=5), last)
    assert rhythm(always(100), last, days=9).silent(last + timedelta(hours=5), last)
    assert not rhythm(always(100), last).silent(last, None)


@pytest.mark.parametrize("zone", ["Europe/Vienna", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("day", [datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)])
def test_the_shops_clock_counts_though_it_is_changed(zone: str, day: datetime) -> None:
    last = day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=2, minutes=1)
    found = rhythm(day_shop, last, zone=zone)
    opens = day.replace(hour=8, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert not found.silent(opens, last)
    assert found.silent(opens + timedelta(hours=2), last)


@given(
    st.lists(st.integers(0, 50), min_size=24, max_size=24),
    st.integers(0, 24 * 60),
    st.integers(0, 24 * 60),
)
def test_where_nothing_usually_comes_no_silence_is_told(day: list[int], start: int, length: int) -> None:
    last = MONDAY + timedelta(minutes=start)
    quiet = {(last + timedelta(minutes=minute)).hour for minute in range(length)}
    found = rhythm(lambda at: 0 if at.hour in quiet else day[at.hour], last)
    assert not found.silent(last + timedelta(minutes=length), last)


@given(st.lists(st.integers(0, 50), min_size=24, max_size=24), st.integers(0, 24 * 60), st.integers(1, 23 * 60))
def test_a_longer_silence_is_never_less_of_one(day: list[int], start: int, length: int) -> None:
    last = MONDAY + timedelta(minutes=start)
    found = rhythm(lambda at: day[at.hour], last)
    assume(found.silent(last + timedelta(minutes=length), last))
    assert found.silent(last + timedelta(minutes=length + 60), last)
