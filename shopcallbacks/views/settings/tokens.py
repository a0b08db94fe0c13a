"""Settings > API tokens: which programs of the shop may call us, what each may do, and until when."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...extensions import db
from ...shops.secrets import former_end
from ...shops.tokens import USUAL, ApiToken, Scope
from ...words import pages
from ..access import admins_only, current_shop
from ..screens import Shown, now
from .secrets import read_end

bp = Blueprint("tokens", __name__, url_prefix="/tokens")


@bp.get("")
def show() -> str:
    return _page()


def _page(**more: Any) -> str:
    more.setdefault("scopes", USUAL)
    return render_template(
        "settings/tokens/show.html", tokens=ApiToken.of(current_shop().id), words=pages.SCOPES, **more
    )


@bp.post("")
@admins_only
def add() -> Shown:
    """The new one is shown once: in the answer itself, so that it stands in no cookie and no address."""
    name, asked = request.form.get("name", ""), request.form.getlist("scope")
    scopes = [scope for scope in Scope if scope in asked]
    try:
        made, text = ApiToken.add(current_shop(), name, scopes, current_user)
    except ValueError as error:
        db.session.rollback()
        return _page(name=name, scopes=scopes, problem=str(error)), 422
    return _fresh(made, text)


@bp.post("/<int:token_id>/replacement")
@admins_only
def replace(token_id: int) -> Shown:
    made, text = load_token(token_id).replace(former_end(request.form.get("former", ""), now()), current_user)
    return _fresh(made, text)


@bp.post("/<int:token_id>/end")
@admins_only
def end(token_id: int) -> Response:
    token = load_token(token_id)
    try:
        at = read_end(current_shop().time_zone)
        token.end(at, current_user)
    except ValueError:
        db.session.rollback()
        flash("Say when it ends, as date and time. A token that has ended stays so.", "warning")
    else:
        db.session.commit()
        flash(f"{token.name} has ended." if at and at <= now() else f"{token.name} is in use, as you said.")
    return redirect(url_for("settings.tokens.show"), 303)


def load_token(id_: int) -> ApiToken:
    """One of the current shop's, else 404."""
    return next((token for token in ApiToken.of(current_shop().id) if token.id == id_), None) or abort(404)


def _fresh(made: ApiToken, text: str) -> str:
    db.session.commit()
    return _page(fresh=text, made=made)
