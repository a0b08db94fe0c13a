"""Logging in with the OpenID provider, and what becomes of who comes from there."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, redirect, request, session, url_for

from ..domain.errors import Refused
from ..extensions import db
from ..shops import people
from ..shops.provider import NotKnown, Provider
from .screens import Shown
from .sessions import enter

bp = Blueprint("provider", __name__, url_prefix="/login/provider")


def _provider() -> Provider:
    """404 where none is set up."""
    found: Provider | None = current_app.extensions["provider"]
    if found is None:
        abort(404)
    return found


@bp.get("")
def ask() -> Shown:
    provider = _provider()
    session["next"] = request.args.get("next", "")[:2000]
    try:
        return provider.ask(str(current_app.config["PUBLIC_URL"]) + url_for("provider.answer"))
    except NotKnown:
        return _sorry(f"{provider.title} could not be asked. Try again in a moment, or log in with your password.")


@bp.get("/back")
def answer() -> Shown:
    provider = _provider()
    next_ = session.pop("next", "")
    try:
        user = people.by_identity(provider.answer())
    except NotKnown:
        return _sorry(f"{provider.title} did not say who you are. Begin again.")
    except (ValueError, Refused) as error:
        db.session.rollback()
        return _sorry(str(error))
    db.session.commit()
    return enter(user, next_)


def _sorry(sentence: str) -> Shown:
    flash(sentence, "warning")
    return redirect(url_for("sessions.show"), 303)
