"""Sums as gateways write them: major units, minor units, hundredths."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ...domain.values import Money, exponent

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)


def read_currency(value: Any) -> str | None:
    """Three letters, in upper case; None for anything else."""
    return value.upper() if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def read_number(value: Any) -> Decimal | None:
    """A decimal from a JSON number or a plain text like `12.30`; None for anything else (`1e3`, `1,5`, NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    number = Decimal(value)
    return number if number.is_finite() and number.adjusted() < 15 else None


def whole(value: Any) -> int | None:
    """A text of nothing but digits as a number; None for anything else (`12.00` is not hundredths)."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII) else None


def major(value: Any, currency: Any) -> Money | None:
    """Money from major units (`"12.30"`, `12.3`); None where either can't be read or the decimals don't fit."""
    code, number = read_currency(currency), read_number(value)
    return Money.of(number, code) if code is not None and number is not None else None


def minor(value: Any, currency: Any, decimals: int | None = None) -> Money | None:
    """Money from whole units of `decimals` places (ISO's, unless told); None where it can't be read."""
    code, number = read_currency(currency), read_number(value)
    if code is None or number is None or number != number.to_integral_value() or (type(value) is str and "." in value):
        return None
    return Money.of(number.scaleb(-(exponent(code) if decimals is None else decimals)), code)


def hundredths(value: Any, currency: Any) -> Money | None:
    """Money from a whole JSON number of hundredths, whatever decimals the currency has."""
    return minor(value, currency, 2) if type(value) is int else None


def in_hundredths(money: Money) -> int:
    return int(money.amount * 100)
