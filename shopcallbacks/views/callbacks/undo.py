"""The tray of a manager's last actions, and the undo of each that can be undone."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_login import current_user
from werkzeug.wrappers import Response

from ...bells import ring
from ...callbacks import undo
from ...callbacks.claims import Claim
from ...domain.errors import Refused
from ...extensions import db
from ...processing.foresight import foresee
from ...words import acts
from ..access import current_shop, load_act, load_callback, lock_callback, managers_only
from .telling import answer

bp = Blueprint("undo", __name__, url_prefix="/activity")


@bp.get("/mine")
def mine() -> str:
    return render_template("activity/mine.html", tray=undo.tray(current_user, current_shop().id))


@bp.post("/<int:id_>/undo")
@managers_only
def undo_one(id_: int) -> Response:
    act = load_act(id_)
    assert act.callback_id is not None
    callback = lock_callback(act.callback_id)
    opposite = undo.opposite(act)
    try:
        foreseen = foresee(callback, opposite) if opposite is not None and opposite in callback.open_to else None
        if foreseen is not None and foreseen.refused:
            raise Refused(foreseen.refused)
        verb = undo.undo(act, callback, current_user)
    except Refused as refused:
        db.session.rollback()
        return answer(load_callback(callback.id), str(refused), 409)
    Claim.renew(callback, current_user)
    db.session.commit()
    if callback.due_at is not None:
        ring(callback.lane)
    return answer(callback, acts.VERBS[verb].done)
