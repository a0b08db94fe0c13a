"""The second step of a log-in: the code, for who has a second factor."""

from __future__ import annotations

import time
from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, session, url_for

from ..extensions import db
from ..shops.acts import FAILED_CODE, Activity
from ..shops.second_factor import SecondFactor
from ..shops.tries import CODES, PASSWORDS, account_key, network, tries
from ..shops.users import User
from .devices import device_of
from .screens import Shown
from .sessions import HALF, HALF_LASTS, go_in

bp = Blueprint("codes", __name__, url_prefix="/login/code")


def _who() -> User | None:
    """Who has given their password here, within the last minutes."""
    id_, since, password = session.get(HALF) or (0, 0, "")
    user = db.session.get(User, id_) if time.time() - since < HALF_LASTS.total_seconds() else None
    return user if user is not None and user.active and user.password_mark == password else None


@bp.get("")
def show() -> Shown:
    return _form() if _who() is not None else redirect(url_for("sessions.show"), 303)


def _form(**more: object) -> str:
    return render_template("sessions/code.html", next=request.values.get("next", ""), **more)


@bp.post("")
def check() -> Shown:
    user = _who()
    factor = SecondFactor.of(user) if user is not None else None
    if user is None or factor is None:
        return redirect(url_for("sessions.show"), 303)
    device, key = device_of(user.email), account_key(user.email)
    whose = ("code", key, device or network(request.remote_addr))
    if wait := tries().take(PASSWORDS, *whose) or (0 if device else tries().take(CODES, "code", key)):
        return _form(wait_min=-(-wait // 60)), 429
    if not factor.fits(request.form.get("code", "")):
        here = f"from {request.remote_addr}"
        Activity.record_once(timedelta(minutes=1), FAILED_CODE, user, here, same=here)
        db.session.commit()
        return _form(failed=True), 422
    tries().give_back(PASSWORDS, *whose)
    if not device:
        tries().give_back(CODES, "code", key)
    return go_in(user, request.form.get("next", ""))
