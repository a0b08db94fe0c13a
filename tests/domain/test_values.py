"""Money never rounds, and a request's headers are read as they came."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.domain.values import Money, Request
from shopcallbacks.gateways.kit.money import major, minor


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("12.30", "EUR", 1230),
        ("1500", "JPY", 1500),
        ("12.345", "KWD", 12345),
        ("0.0001", "CLF", 1),
        ("12.345", "EUR", None),
        ("1.5", "JPY", None),
        ("NaN", "EUR", None),
        ("Infinity", "EUR", None),
        ("1e30", "EUR", None),
        ("-5.00", "EUR", -500),
    ],
)
def test_money_from_major_units(text: str, currency: str, expected: int | None) -> None:
    money = Money.of(Decimal(text), currency)
    assert (money.minor if money else None) == expected


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_money_goes_through_text_and_back(units: int, currency: str) -> None:
    money = Money(units, currency)
    assert Money.of(money.amount, currency) == money
    assert major(str(money.amount), currency) == money


def test_money_is_written_with_its_decimals() -> None:
    assert [str(Money(n, c)) for n, c in ((142000, "EUR"), (12300, "JPY"), (5, "KWD"))] == [
        "1,420.00 EUR",
        "12,300 JPY",
        "0.005 KWD",
    ]


@pytest.mark.parametrize("value", ["1e3", "1,5", "٣", "", " 1", "1.", ".5", True, None, [], {}, "1" * 30])
def test_what_is_no_number_is_no_money(value: object) -> None:
    assert major(value, "EUR") is None
    assert minor(value, "EUR") is None


@pytest.mark.parametrize("currency", ["EURO", "E1R", "", None, 978, "ÉUR"])
def test_what_is_no_currency_is_no_money(currency: object) -> None:
    assert major("1.00", currency) is None


def test_a_header_that_comes_twice_is_no_header() -> None:
    headers = (("X-Sig", "a"), ("x-sig", "b"), ("Other", "c"))
    request = Request("POST", "/", b"", headers, b"", "", datetime.now(UTC))
    assert request.header("X-SIG") is None
    assert request.header_values("X-SIG") == ["a", "b"]
    assert request.header("other") == "c"
