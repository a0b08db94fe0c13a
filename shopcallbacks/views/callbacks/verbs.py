"""What a manager does about a callback. Each verb changes one callback and answers with its fresh row or page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from ...callbacks.callback import Callback
from ...callbacks.claims import Claim
from ...domain.errors import Refused
from ...domain.states import Verb
from ...extensions import db, ring
from ...processing import foresight
from ...words import acts
from ..access import load_callback, lock_callback, managers_only
from ..screens import wants_fragment, whole
from .telling import answer, back, row_of

bp = Blueprint("verbs", __name__, url_prefix="/callbacks/<int:id_>")


@bp.post("/retry")
@managers_only
def retry(id_: int) -> Response:
    return act(id_, "retry")


@bp.get("/forced-retry")
@managers_only
def ask_force(id_: int) -> str:
    return ask("force", load_callback(id_))


@bp.post("/forced-retry")
@managers_only
def force(id_: int) -> Response | tuple[str, int]:
    return act(id_, "force") if why() else (ask("force", load_callback(id_), missing=True), 422)


@bp.get("/reopening")
@managers_only
def ask_reopen(id_: int) -> str:
    return ask("reopen", load_callback(id_))


@bp.post("/reopening")
@managers_only
def reopen(id_: int) -> Response | tuple[str, int]:
    return act(id_, "reopen") if why() else (ask("reopen", load_callback(id_), missing=True), 422)


@bp.get("/debt")
@managers_only
def ask_owe(id_: int) -> str:
    return ask("owe", load_callback(id_))


@bp.post("/debt")
@managers_only
def owe(id_: int) -> Response | tuple[str, int]:
    return act(id_, "owe") if why() else (ask("owe", load_callback(id_), missing=True), 422)


@bp.get("/removal")
@managers_only
def ask_remove(id_: int) -> str:
    return ask("remove", load_callback(id_))


@bp.post("/removal")
@managers_only
def remove(id_: int) -> Response | tuple[str, int]:
    return act(id_, "remove") if why() else (ask("remove", load_callback(id_), missing=True), 422)


@bp.post("/restoration")
@managers_only
def restore(id_: int) -> Response:
    return act(id_, "restore")


def act(id_: int, verb: str) -> Response:
    """Does it, commits, rings; refused where the callback has moved on since it was seen."""
    callback = lock_callback(id_)
    try:
        getattr(callback, verb)(current_user, why(), request.form.get("seen", type=whole))
    except Refused as refused:
        db.session.rollback()
        return answer(load_callback(id_), str(refused), 409)
    Claim.renew(callback, current_user)
    db.session.commit()
    if callback.due_at is not None:
        ring(callback.asks)
    return answer(callback, acts.DONE[verb])


def ask(verb: str, callback: Callback, missing: bool = False) -> str:
    """The question before a verb that needs a reason: in a dialog, or as a page of its own."""
    return render_template(
        "callbacks/_ask.html" if wants_fragment() else "callbacks/ask.html",
        verb=verb,
        callback=callback,
        row=row_of(callback),
        foreseen=foresight.of(callback, Verb(verb)),
        why=request.values.get("why", ""),
        missing=missing,
        on=request.values.get("on", ""),
        back=back(),
    )


def why() -> str:
    return request.form.get("why", "").strip()[:500]
