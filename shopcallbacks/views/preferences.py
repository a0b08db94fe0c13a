"""Your settings: how times and numbers are written, how the panel looks, password and log-ins. Each user's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..domain.states import Column
from ..domain.values import Money
from ..extensions import db
from ..shops.acts import Activity
from ..shops.preferences import Density, Unknown, zones
from ..shops.second_factor import SecondFactor
from ..shops.sessions import End, UserSession
from ..shops.tries import PASSWORDS, tries
from ..words.formats import LOCALES
from .access import current_shop
from .callbacks.telling import back
from .screens import now, prefers
from .sessions import begin_session, end_session

bp = Blueprint("preferences", __name__, url_prefix="/preferences")

SHOWN = 10  # log-ins


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
            letters=form.get("letters") != "off",
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


@bp.post("/password")
def password() -> Response | tuple[str, int]:
    """Another password, by whoever knows the old one. All other log-ins end."""
    user = current_user._get_current_object()
    whose = ("own password", str(user.id))
    if wait := tries().take(PASSWORDS, *whose):
        return page(password_problem=f"Too many tries. Wait {-(-wait // 60)} min, then try again."), 429
    if not user.fits(request.form.get("old", "")):
        return page(password_problem="The old password is another one."), 422
    tries().give_back(PASSWORDS, *whose)
    try:
        user.set_password(request.form.get("new", ""))
    except ValueError as error:
        return page(password_problem=str(error)), 422
    Activity.record("own password", user)
    begin_session(user)
    db.session.commit()
    flash("The password is changed. Wherever else you were logged in, you are not any more.", "info")
    return redirect(url_for("preferences.show", _anchor="log-ins"), 303)


@bp.post("/sessions/ending")
def log_out_everywhere() -> Response:
    current_user.end_sessions(End.everywhere)
    Activity.record("log out everywhere", current_user, what=f"from {request.remote_addr}")
    db.session.commit()
    end_session()
    return redirect(url_for("sessions.show"), 303)


def page(problem: str = "", password_problem: str = "") -> str:
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
        password_problem=password_problem,
        sessions=UserSession.of(current_user.id)[:SHOWN],
        this_session=g.user_session,
        factor=SecondFactor.of(current_user),
        zones=zones(),
        examples=examples,
        densities=list(Density),
        columns=list(Column),
        hour=timedelta(minutes=70),
    )
