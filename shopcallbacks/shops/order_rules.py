"""What a shop says of all its orders, and how one gateway account's messages meet them: as values, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from ..domain.values import Money

MOST_HELD_S = 30 * 24 * 3600  # a month: nobody waits longer for another try
MOST_LIVED_S = 3 * 366 * 24 * 3600
# Commas part thousands only: one that is meant as a decimal point would make a hundred times as much of it.
_AMOUNT = re.compile(r"([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")


@dataclass(frozen=True)
class OrderRules:
    """As the columns of a shop of the same names. `refusal_cancels_after`: seconds, from 0 to `MOST_HELD_S`.

    `order_page`: an address with `{number}`, empty for none.
    """

    refusal_cancels_after: int = 0
    payment_reopens: bool = True
    parts: bool = False
    accept_limit: Money | None = None
    force_limit: Money | None = None
    order_page: str = ""


@dataclass(frozen=True)
class Meeting:
    """As the columns of a gateway account of the same names. `try_lives_s`: 1 to `MOST_LIVED_S`, None for ever.

    `ours_field` and `ours_value` are both there or both None.
    """

    number_pattern: str | None = None
    ours_field: str | None = None
    ours_value: str | None = None
    sets_nameless_aside: bool = False
    try_lives_s: int | None = None
    tolerance_minor: int = 0


def read_order_page(text: str) -> str:
    """Where people see an order in the shop's own back office; `ValueError` with half a sentence."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and "{number}" in parts.path + parts.query
    except ValueError:
        fits = False
    if not fits or len(text) > 500 or not text.isprintable() or " " in text:
        raise ValueError("must be an address with {number} in it, like https://shop.example/admin/orders/{number}")
    return text


def read_limit(amount: str, currency: str = "") -> Money:
    """A sum as it is typed; `ValueError` with half a sentence where it is none."""
    amount, currency = amount.strip(), currency.strip().upper()
    known = _AMOUNT.fullmatch(amount) and len(currency) == 3 and currency.isascii() and currency.isalpha()
    money = Money.of(Decimal(amount.replace(",", "")), currency) if known else None
    if money is None:
        raise ValueError("must be an amount and a currency, like 100.00 EUR")
    return money
