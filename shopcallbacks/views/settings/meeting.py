"""The part of an account's form that says how its callbacks meet orders; and a live example of its order numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from ...callbacks.callback import Callback
from ...domain.number_patterns import BadPattern, NumberPattern
from ...extensions import db
from ...gateways.kit.own_field import OwnField
from ...gateways.settings import BadSettings
from ...orders.order import Order
from ...shops.accounts import GatewayAccount
from ...shops.order_rules import MOST_LIVED_S, Meeting
from .orders import in_units, read_length

UNITS = {"hours": 3600, "days": 24 * 3600}
MOST_TOLERANCE = 10_000


def typed(meeting: Meeting) -> dict[str, str]:
    """As it stands in the form."""
    lives, unit = in_units(meeting.try_lives_s, UNITS) if meeting.try_lives_s else ("", "hours")
    return {
        "number_pattern": meeting.number_pattern or "",
        "ours_field": meeting.ours_field or "",
        "ours_value": meeting.ours_value or "",
        "nameless": "aside" if meeting.sets_nameless_aside else "person",
        "try_lives": str(lives),
        "try_unit": unit,
        "tolerance": str(meeting.tolerance_minor),
    }


def read(form: Mapping[str, str]) -> Meeting:
    """As it was typed; `BadSettings` naming every bad field."""
    said = {name: form.get(name, "").strip() for name in typed(Meeting())}
    problems: dict[str, str] = {}
    pattern, lives, tolerance = said["number_pattern"] or None, None, said["tolerance"] or "0"
    try:
        pattern = NumberPattern.parse(pattern).written if pattern else None
    except BadPattern as error:
        problems["number_pattern"] = str(error)
    field, value = said["ours_field"] or None, said["ours_value"] or None
    try:
        if field or value:
            own = OwnField.of(field or "", value or "")
            field, value = own.place, own.value
    except ValueError as error:
        problems["ours_field"] = str(error)
    try:
        if said["try_lives"]:
            lives = read_length(said["try_lives"], said["try_unit"] or "hours", UNITS, 1, MOST_LIVED_S)
    except ValueError as error:
        problems["try_lives"] = f"This {error}."
    if not (tolerance.isascii() and tolerance.isdecimal() and len(tolerance) < 10 and int(tolerance) <= MOST_TOLERANCE):
        problems["tolerance"] = f"This must be a whole number from 0 to {MOST_TOLERANCE:,}."
    if problems:
        raise BadSettings(problems)
    return Meeting(pattern, field, value, said["nameless"] == "aside", lives, int(tolerance))


LOOKED_AT, SHOWN = 500, 5


@dataclass(frozen=True)
class Example:
    """An order number as the gateway sent it. `taken`: what the pattern takes out of it; `there`: such an order is."""

    sent: str
    taken: str | None
    there: bool


@dataclass(frozen=True)
class Examples:
    """Of the account's last callbacks. `problem`: why what is typed is no pattern."""

    examples: tuple[Example, ...] = ()
    problem: str = ""


def examples(account: GatewayAccount, written: str) -> Examples:
    """What the pattern, as it is typed, makes of the order numbers that came last."""
    try:
        pattern = NumberPattern.parse(written) if written.strip() else None
    except BadPattern as error:
        return Examples(problem=str(error))
    taken = {sent: pattern.take(sent) if pattern else sent for sent in _last_numbers(account)}
    keys = {(account.shop_id, number) for number in taken.values() if number is not None}
    there = Order.ids_by_number(keys)
    return Examples(tuple(Example(sent, number, (account.shop_id, number) in there) for sent, number in taken.items()))


def _last_numbers(account: GatewayAccount) -> list[str]:
    latest = (
        select(Callback.order_number)
        .where(Callback.account_id == account.id)
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(LOOKED_AT)
    )
    numbers = (number for number in db.session.scalars(latest) if number)
    return list(dict.fromkeys(numbers))[:SHOWN]
