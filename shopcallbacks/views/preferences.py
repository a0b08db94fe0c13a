"""Your settings: how times and numbers are written, and how the panel looks. Each user's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..domain.states import Column
from ..domain.values import Money
from ..extensions import db
from ..shops.acts import Activity
from ..shops.preferences import Density, Unknown, zones
from ..words.formats import LOCALES
from .access import current_shop
from .callbacks.telling import back
from .screens import now, prefers

bp = Blueprint("preferences", __name__, url_prefix="/preferences")


@bp.get("")
def show() -> str:
    return page()


@bp.post("")
def save() -> Response | tuple[str, int]:
    before, form = current_user.prefers, request.form
    try:
        current_user.prefer(
            time_zone=form.get("time_zone", ""),
            locale=form.get("locale", ""),
            exact=form.get("times") == "exact",
            density=form.get("density", ""),
            columns=form.getlist("column"),
        )
    except Unknown as unknown:
        return page(str(unknown)), 422
    if current_user.prefers != before:
        Activity.record("own settings", current_user, shop_id=current_shop().id)
        db.session.commit()
    flash("Saved. Every page follows.", "info")
    return redirect(url_for("preferences.show"), 303)


@bp.post("/density")
def density() -> Response:
    return _of_panel(density=request.form.get("density", ""))


@bp.post("/columns")
def columns() -> Response:
    return _of_panel(columns=request.form.getlist("column"))


def _of_panel(**choice: Any) -> Response:
    """From the panel and back to it."""
    try:
        current_user.prefer(**choice)
        db.session.commit()
    except Unknown as unknown:
        flash(str(unknown), "warning")
    return redirect(back(), 303)


def page(problem: str = "") -> str:
    shop = current_shop()
    examples = {}
    for locale, name in LOCALES.items():
        format_ = prefers().but(locale=locale).format(shop.time_zone)
        day, time = format_.day(now().date()), format_.clock(now())
        examples[locale] = f"{name}: {day}, {time}, {format_.money(Money(123456, 'EUR'))}"
    return render_template(
        "preferences/show.html",
        shop=shop,
        problem=problem,
        zones=zones(),
        examples=examples,
        densities=list(Density),
        columns=list(Column),
        hour=timedelta(minutes=70),
    )
