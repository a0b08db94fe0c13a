"""When something happened, as gateways write it: values in, a moment in UTC out. What can't be read is no moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

# With its zone: without one nobody knows which hour is meant. `10:00:00` may be `100000`, as CyberSource writes it.
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d(:\d\d:\d\d|\d{4})(\.\d{1,12})?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def unix_seconds(value: Any) -> datetime | None:
    """From whole seconds since 1970, a JSON number or digits."""
    return _since_1970(value, 1)


def unix_milliseconds(value: Any) -> datetime | None:
    """From whole milliseconds since 1970, a JSON number or digits."""
    return _since_1970(value, 1000)


def iso(text: Any) -> datetime | None:
    """From a date and time with `Z` or an offset; of a second's fraction six digits count."""
    if not isinstance(text, str) or not _ISO.fullmatch(text):
        return None
    try:
        return _kept(datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def day(text: Any) -> date | None:
    """From a day without an hour, `2026-05-01`."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    moment = iso(f"{text}T00:00:00Z")
    return moment and moment.date()


def _since_1970(value: Any, parts: int) -> datetime | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII):
        value = int(value)
    if type(value) is not int or not 0 < value < 10**15:
        return None
    try:
        seconds, rest = divmod(value, parts)
        return _kept(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1_000_000 // parts))
    except (ValueError, OverflowError, OSError):
        return None


def _kept(moment: datetime) -> datetime | None:
    """The moment, where it can be kept and shown in any zone."""
    return moment if 1970 <= moment.year < 9999 else None
