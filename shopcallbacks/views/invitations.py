"""Where an invitation leads: whoever is new says their name and a password, whoever is known accepts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..domain.errors import Refused
from ..extensions import db
from ..shops import people
from ..shops.acts import LOG_IN, Activity
from ..shops.links import Link, LinkKind
from ..shops.users import User
from .screens import Shown
from .sessions import begin_session

bp = Blueprint("invitations", __name__, url_prefix="/invitations")


@bp.get("/<id_>/<token>")
def show(id_: str, token: str) -> Shown:
    link = Link.find(LinkKind.invitation, id_, token)
    return _page(link) if link else over()


def _page(link: Link, **more: Any) -> str:
    known = User.by_email(link.email) is not None
    return render_template("sessions/invitation.html", link=link, known=known, here=request.path, **more)


def over() -> Shown:
    return render_template("sessions/over.html"), 410


@bp.post("/<id_>/<token>")
def join(id_: str, token: str) -> Shown:
    """A new user, logged in from here on."""
    link = Link.find(LinkKind.invitation, id_, token)
    if link is None:
        return over()
    name = request.form.get("name", "")[:200]
    try:
        user = people.join(link, name, request.form.get("password", ""))
    except ValueError as error:
        db.session.rollback()
        return _page(link, problem=str(error), name=name), 422
    begin_session(user)
    Activity.record(LOG_IN, user, what=f"from {request.remote_addr}")
    db.session.commit()
    return redirect(url_for("dashboard.show"), 303)


@bp.post("/<id_>/<token>/acceptance")
def accept(id_: str, token: str) -> Shown:
    """By who is logged in."""
    link = Link.find(LinkKind.invitation, id_, token)
    if link is None:
        return over()
    if not current_user.is_authenticated:
        return _log_in_first(id_, token)
    try:
        people.accept(link, current_user)
    except Refused as refused:
        db.session.rollback()
        return _page(link, problem=str(refused)), 409
    db.session.commit()
    flash("Accepted.")
    return redirect(url_for("dashboard.show", shop=link.shop.slug if link.shop else None), 303)


def _log_in_first(id_: str, token: str) -> Response:
    return redirect(url_for("sessions.show", next=url_for("invitations.show", id_=id_, token=token)), 303)
