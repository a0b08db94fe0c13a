"""Settings > Orders: what the shop says of all its orders. All read it; admins change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from ...domain.values import Money
from ...extensions import db
from ...shops import setup
from ...shops.order_rules import MOST_HELD_S, OrderRules, read_limit, read_order_page
from ..access import admins_only, current_shop
from ..screens import Shown

bp = Blueprint("orders", __name__, url_prefix="/orders")

UNITS = {"s": 1, "min": 60, "h": 3600}


@bp.get("")
def show() -> str:
    rules = current_shop().order_rules
    held, unit = in_units(rules.refusal_cancels_after, UNITS)
    typed: dict[str, Any] = {"held": str(held), "unit": unit, "order_page": rules.order_page}
    for name, limit in (("limit", rules.accept_limit), ("second", rules.force_limit)):
        typed |= {name: str(limit.amount), _currency(name): limit.currency} if limit else {}
    return _page(payment_reopens=rules.payment_reopens, parts=rules.parts, **typed)


def _currency(limit: str) -> str:
    """The field beside that limit's."""
    return "currency" if limit == "limit" else f"{limit}_currency"


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
    sent = {name: value.strip() for name, value in request.form.items()}
    reopens, parts = "payment_reopens" in sent, "parts" in sent
    found, problems = _read(sent)
    if problems:
        return _page(problems, **{**sent, "payment_reopens": reopens, "parts": parts}), 422
    rules = OrderRules(found["held"], reopens, parts, found["limit"], found["second"], found["order_page"])
    changed = setup.rule_orders(current_shop(), rules, current_user)
    db.session.commit()
    flash("Saved." if changed else "Nothing was changed.")
    return redirect(url_for("settings.orders.show"), 303)


def _read(sent: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the fields hold, and what is wrong with others."""
    held, page = sent.get("held") or "0", sent.get("order_page")
    readers: dict[str, Callable[[], Any]] = {
        "held": lambda: read_length(held, sent.get("unit", "s"), UNITS, 0, MOST_HELD_S),
        "limit": lambda: _limit(sent, "limit"),
        "second": lambda: _limit(sent, "second"),
        "order_page": lambda: read_order_page(page) if page else "",
    }
    found, problems = {}, {}
    for name, read in readers.items():
        try:
            found[name] = read()
        except ValueError as error:
            problems[name] = str(error)
    return found, problems


def _limit(sent: Mapping[str, str], name: str) -> Money | None:
    return read_limit(sent[name], sent.get(_currency(name), "")) if sent.get(name) else None
