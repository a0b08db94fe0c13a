"""A new password for who can't log in: asked for by mail, and set where the link leads. It logs nobody in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for

from ..bells import bell
from ..domain.states import Lane
from ..extensions import db
from ..outgoing.letters import LinkLetter
from ..shops.acts import Activity
from ..shops.links import Link, LinkKind
from ..shops.tries import LETTERS, LETTERS_OF_ONE, account_key, network, tries
from ..shops.users import User
from .invitations import over
from .screens import Shown

bp = Blueprint("passwords", __name__, url_prefix="/passwords")


@bp.get("")
def forgotten() -> Shown:
    return _ask()


def _ask(**more: Any) -> str:
    mail_works = current_app.extensions["mailer"].server is not None
    return render_template("sessions/forgotten.html", mail_works=mail_works, **more)


@bp.post("")
def ask() -> Shown:
    """Says the same whether there is such a user or not."""
    email = request.form.get("email", "").strip().lower()
    if current_app.extensions["mailer"].server is None:
        return _ask(), 409
    if wait := tries().take(LETTERS, account_key(email)) or tries().take(LETTERS_OF_ONE, network(request.remote_addr)):
        return _ask(wait_min=-(-wait // 60), email=email), 429
    user = User.by_email(email)
    if user is not None and user.active:
        LinkLetter.post(Link.make(LinkKind.password, user.email, None, user=user))
        Activity.record("forgot password", user, what=f"from {request.remote_addr}")
        db.session.commit()
        bell().ring_soon(Lane.outgoing)  # Redis would take its time for who is known only
    return _ask(asked=email)


@bp.get("/<id_>/<token>")
def show(id_: str, token: str) -> Shown:
    link = Link.find(LinkKind.password, id_, token)
    return _page(link) if link else over()


def _page(link: Link, **more: Any) -> str:
    return render_template("sessions/password.html", user=link.user, here=request.path, **more)


@bp.post("/<id_>/<token>")
def save(id_: str, token: str) -> Shown:
    link = Link.find(LinkKind.password, id_, token)
    if link is None or link.user is None or not link.user.active:
        return over()
    try:
        link.user.set_password(request.form.get("new", ""))
    except ValueError as error:
        db.session.rollback()
        return _page(link, problem=str(error)), 422
    link.use()
    Activity.record("password by link", link.user, what=f"from {request.remote_addr}")
    db.session.commit()
    flash("The password is changed. Log in with it.")
    return redirect(url_for("sessions.show"), 303)
