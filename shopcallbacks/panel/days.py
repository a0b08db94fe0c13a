"""Days as they stand in an address, and the time between two of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def read_day(text: str) -> date:
    """`ValueError` with a sentence for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2200:
        raise ValueError(f"“{text[:40]}” is not a day like 2026-11-23.")
    return day


def span(since: date | None, until: date | None, zone: str) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to before the end of the last, by that clock."""
    clock = ZoneInfo(zone)
    start = datetime.combine(since, time(), clock) if since else None
    end = datetime.combine(until + timedelta(days=1), time(), clock) if until else None
    return start, end
