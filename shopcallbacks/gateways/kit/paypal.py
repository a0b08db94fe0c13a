"""What both kinds of PayPal callback share: its money and its two environments. Not a gateway."""

from __future__ import annotations

import re
from typing import Any

from ...domain.values import Money
from ..base import Kind, Setting
from .money import major, read_currency

# ISO gives forint and Taiwan dollars decimals, PayPal does not.
_WHOLE = {"JPY", "HUF", "TWD"}

ENVIRONMENT = Setting(
    "environment",
    "Environment",
    Kind.choice,
    "Sandbox accounts and payments are for tests only; the sandbox has hosts of its own.",
    default="live",
    choices=("live", "sandbox"),
)


def read_amount(value: Any, currency: Any) -> Money | None:
    """Major units as text, with a point; None where it is no sum in that currency."""
    if not isinstance(value, str) or (read_currency(currency) in _WHOLE and not re.fullmatch(r"-?\d+", value)):
        return None
    return major(value, currency)


def write_amount(money: Money) -> str:
    return str(int(money.amount)) if money.currency in _WHOLE else str(money.amount)
