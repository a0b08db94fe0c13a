"""Settings > Orders: what the shop says of all its orders. All read it; admins change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from ...extensions import db
from ...shops import setup
from ...shops.order_rules import MOST_HELD_S, OrderRules, read_limit
from ..access import admins_only, current_shop
from ..screens import Shown

bp = Blueprint("orders", __name__, url_prefix="/orders")

UNITS = {"s": 1, "min": 60, "h": 3600}


@bp.get("")
def show() -> str:
    rules = current_shop().order_rules
    limit = rules.accept_limit
    held, unit = in_units(rules.refusal_cancels_after, UNITS)
    return _page(
        held=str(held),
        unit=unit,
        payment_reopens=rules.payment_reopens,
        parts=rules.parts,
        limit=str(limit.amount) if limit else "",
        currency=limit.currency if limit else "",
    )


def _page(problems: Mapping[str, str] | None = None, **typed: Any) -> str:
    return render_template("settings/orders.html", problems=problems or {}, units=UNITS, typed=typed)


def in_units(seconds: int, units: Mapping[str, int]) -> tuple[int, str]:
    """The length in the largest unit that holds it whole."""
    fitting = [name for name, length in units.items() if seconds % length == 0 and seconds]
    unit = fitting[-1] if fitting else next(iter(units))
    return seconds // units[unit], unit


def read_length(text: str, unit: str, units: Mapping[str, int], least: int, most: int) -> int:
    """Seconds; `ValueError` with half a sentence where it is no whole number, or out of bounds."""
    length = units.get(unit, 0)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) * length <= most and length):
        longest = most // length if length else most
        raise ValueError(f"must be a whole number from {least} to {longest:,}")
    return int(text) * length


@bp.post("")
@admins_only
def save() -> Shown:
    sent = request.form
    held, unit = sent.get("held", "").strip() or "0", sent.get("unit", "s")
    limit, currency = sent.get("limit", "").strip(), sent.get("currency", "").strip()
    problems: dict[str, str] = {}
    seconds, accept_limit = 0, None
    try:
        seconds = read_length(held, unit, UNITS, 0, MOST_HELD_S)
    except ValueError as error:
        problems["held"] = str(error)
    try:
        accept_limit = read_limit(limit, currency) if limit else None
    except ValueError as error:
        problems["limit"] = str(error)
    reopens, parts = "payment_reopens" in sent, "parts" in sent
    if problems:
        typed = {"held": held, "unit": unit, "limit": limit, "currency": currency}
        return _page(problems, payment_reopens=reopens, parts=parts, **typed), 422
    changed = setup.rule_orders(current_shop(), OrderRules(seconds, reopens, parts, accept_limit), current_user)
    db.session.commit()
    flash("Saved." if changed else "Nothing was changed.")
    return redirect(url_for("settings.orders.show"), 303)
