"""Moments as gateways write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shopcallbacks.gateways.kit.moments import iso, unix_milliseconds, unix_seconds

TEN = datetime(2026, 5, 1, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-01T10:00:00Z", TEN),
        ("2026-05-01T12:00:00+02:00", TEN),
        ("2026-05-01T05:30:00-0430", TEN),
        ("2026-05-01T100000Z", TEN),
        ("2026-05-01T10:00:00.5Z", TEN.replace(microsecond=500_000)),
        ("2026-05-01T10:00:00.1234567Z", TEN.replace(microsecond=123_456)),
        ("2026-05-01T10:00:00.123456789Z", TEN.replace(microsecond=123_456)),
    ],
)
def test_iso(text: str, moment: datetime) -> None:
    assert iso(text) == moment
    assert str(iso(text)).endswith("+00:00")


@pytest.mark.parametrize(
    "text",
    [
        *("2026-05-01T10:00:00", "2026-05-01", "", "10:00", "2026-05-01 10:00:00Z", None, 1, True),
        *("2026-02-30T10:00:00Z", "2026-05-01T25:00:00Z", "2026-05-01T10:00:00+99:99", "٢٠٢٦-05-01T10:00:00Z"),
        *("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"),
    ],
)
def test_what_is_no_iso_moment(text: Any) -> None:
    assert iso(text) is None


@pytest.mark.parametrize("value", [1777629600, "1777629600"])
def test_unix_seconds(value: Any) -> None:
    assert unix_seconds(value) == TEN


@pytest.mark.parametrize("value", [1777629600250, "1777629600250"])
def test_unix_milliseconds(value: Any) -> None:
    assert unix_milliseconds(value) == TEN.replace(microsecond=250_000)


@pytest.mark.parametrize("value", [0, -1, True, None, "", "1e9", "-5", "1.5", 1.5, 10**30, "9" * 15, 10**14, "١٧", []])
def test_what_is_no_unix_moment(value: Any) -> None:
    assert unix_seconds(value) is None
