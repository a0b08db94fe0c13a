"""Notes on a callback and who is on it, and how both are followed while a page is open."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from ...callbacks.callback import Callback
from ...callbacks.claims import Claim
from ...callbacks.notes import Note
from ...domain.errors import Refused
from ...extensions import db
from ...panel.rows import full_row
from ...shops.acts import Activity
from ...shops.users import Role, User
from ...words.acts import DONE
from ..access import load_callback, managers_only
from ..screens import now, wants_fragment, whole
from .telling import back

bp = Blueprint("noting", __name__, url_prefix="/callbacks")


@bp.get("/<int:id_>/people")
def people(id_: int) -> str:
    """Asked for while its page is open."""
    callback = load_callback(id_)
    return render_template("callbacks/page/_people.html", **_parts(callback), follows=True)


@bp.post("/<int:id_>/notes")
@managers_only
def write(id_: int) -> Response | tuple[str, int]:
    callback, text = load_callback(id_), request.form.get("text", "")
    try:
        Note.write(callback, current_user, text)
    except ValueError as refused:
        db.session.rollback()
        page = "callbacks/page/_notes.html" if wants_fragment() else "callbacks/page/note.html"
        return render_template(page, **_parts(callback), text=text, problem=str(refused)), 422
    Claim.renew(callback, current_user)
    db.session.commit()
    return _answer(callback, "callbacks/page/_notes.html", DONE["note"])


@bp.post("/<int:id_>/claim")
@managers_only
def claim(id_: int) -> Response:
    """With `over`: from that user, whom they saw on it."""
    callback = load_callback(id_)
    try:
        Claim.take(callback, current_user, request.form.get("over", type=whole))
    except Refused as refused:
        db.session.rollback()
        return _answer(callback, "callbacks/page/_claim.html", str(refused), 409)
    db.session.commit()
    return _answer(callback, "callbacks/page/_claim.html", DONE["claim"])


@bp.post("/<int:id_>/claim/hand-on")
@managers_only
def hand_on(id_: int) -> Response:
    """To one of those who may act in the shop: it is theirs until they let go."""
    callback, to = load_callback(id_), request.form.get("to", type=whole)
    colleague = next((user for user in User.reaching(Role.manager, callback.account.shop) if user.id == to), None)
    try:
        if colleague is None:
            raise Refused("Choose somebody who may act in this shop.")
        Claim.hand_on(callback, current_user, colleague)
    except Refused as refused:
        db.session.rollback()
        return _answer(callback, "callbacks/page/_claim.html", str(refused), 409)
    db.session.commit()
    return _answer(callback, "callbacks/page/_claim.html", DONE["hand on"].format(name=colleague.name))


@bp.app_template_filter()
def colleagues(callback: Callback) -> list[User]:
    return User.reaching(Role.manager, callback.account.shop)


@bp.post("/<int:id_>/claim/end")
@managers_only
def let_go(id_: int) -> Response:
    callback = load_callback(id_)
    Claim.let_go(callback, current_user)
    db.session.commit()
    return _answer(callback, "callbacks/page/_claim.html", DONE["let go"])


def _parts(callback: Callback) -> dict[str, Any]:
    acts, notes = Activity.about(callback.id), Note.about(callback.id)
    row = full_row(callback, current_user, now(), acts, notes)
    return {"callback": callback, "row": row, "notes": notes, "back": back()}


def _answer(callback: Callback, template: str, said: str, status: int = 200) -> Response:
    """The fresh piece to htmx; a way back with the sentence to a plain form."""
    if wants_fragment():
        note = said if status != 200 else ""
        return Response(render_template(template, **_parts(callback), note=note), status)
    flash(said, "info" if status == 200 else "warning")
    return redirect(back(), 303)
