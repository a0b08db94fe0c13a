"""Your settings > second factor: set up with an app, new codes on paper, switched off. Each user's own.

It looks at no shop, so that who can't look at one without a second factor can set it up.
"""

from __future__ import annotations

import pyotp
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from ..extensions import db, locked
from ..shops.acts import Activity
from ..shops.sealing import Unreadable, seal, unseal
from ..shops.second_factor import RecoveryCode, SecondFactor, picture
from ..shops.tries import PASSWORDS, tries
from ..shops.users import User
from ..words.formats import Format
from .screens import Shown, prefers

bp = Blueprint("second_factor", __name__, url_prefix="/preferences/second-factor")


@bp.get("")
def show() -> Shown:
    return _page()


def _page(problem: str = "", status: int = 200, codes: list[str] | None = None) -> Shown:
    factor = SecondFactor.of(current_user)
    secret = "" if factor else _typed_secret() or pyotp.random_base32()
    page = render_template(
        "preferences/second_factor.html",
        factor=factor,
        format=_format(),
        left=RecoveryCode.left(factor) if factor else 0,
        demanded=demanded(),
        secret=secret,
        sealed=seal(secret, _place()).decode() if secret else "",
        picture=picture(secret, current_user) if secret else "",
        codes=codes,
        problem=problem,
    )
    return page, status


def _format() -> Format:
    """As the user likes it; without a zone of their own as the first of their shops has it."""
    return prefers().format(next((shop.time_zone for shop in current_user.shops), "UTC"))


def demanded() -> list[str]:
    """The names of the user's shops that are looked at with a second factor only."""
    return [shop.name for shop in current_user.shops if shop.needs_second_factor]


def _place() -> str:
    return f"second factor to be of user {current_user.id}"


def _typed_secret() -> str:
    """The one the form was made with: it stays the same while the code is typed, and is another user's never."""
    try:
        return str(unseal(request.form.get("sealed", "").encode(), _place()))
    except Unreadable:
        return ""


@bp.post("")
def begin() -> Shown:
    """Whoever finds an open screen does not know the password. Of two presses at once the second finds it set up."""
    user = locked(User, current_user.id)
    if SecondFactor.of(user) is not None:
        return redirect(url_for("second_factor.show"), 303)
    whose = ("own password", str(user.id))
    if wait := tries().take(PASSWORDS, *whose):
        return _page(_wait(wait), 429)
    if user.password_hash and not user.fits(request.form.get("password", "")):
        return _page("The password is another one.", 422)
    tries().give_back(PASSWORDS, *whose)
    factor = SecondFactor.begin(user, _typed_secret() or pyotp.random_base32(), request.form.get("code", ""))
    if factor is None:
        return _page("The code does not fit. It changes every half minute; is the clock of your telephone right?", 422)
    Activity.record("second factor", user)
    codes = RecoveryCode.make(factor)
    db.session.commit()
    return _page(codes=codes)


@bp.post("/recovery-codes")
def recovery_codes() -> Shown:
    factor = SecondFactor.of(current_user)
    if factor is None:
        return redirect(url_for("second_factor.show"), 303)
    if refusal := _refusal(factor):
        return _page(*refusal)
    codes = RecoveryCode.make(factor)
    Activity.record("recovery codes", current_user)
    db.session.commit()
    return _page(codes=codes)


@bp.post("/ending")
def end() -> Shown:
    factor = SecondFactor.of(current_user)
    if factor is None:
        return redirect(url_for("second_factor.show"), 303)
    if names := demanded():
        return _page(f"{' and '.join(names)} can be looked at with a second factor only.", 409)
    if refusal := _refusal(factor):
        return _page(*refusal)
    factor.end()
    Activity.record("end second factor", current_user)
    db.session.commit()
    flash("The second factor is off.", "info")
    return redirect(url_for("preferences.show"), 303)


def _refusal(factor: SecondFactor) -> tuple[str, int] | None:
    """Why not, and the status; None where the code that was sent fits."""
    whose = ("own code", str(current_user.id))
    if wait := tries().take(PASSWORDS, *whose):
        return _wait(wait), 429
    if not factor.fits(request.form.get("code", "")):
        return "The code does not fit, or was used before.", 422
    tries().give_back(PASSWORDS, *whose)
    return None


def _wait(seconds: int) -> str:
    return f"Too many tries. Wait {-(-seconds // 60)} min, then try again."
