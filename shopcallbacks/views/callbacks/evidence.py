"""A callback's evidence page, to print or to keep as PDF."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_login import current_user

from ...extensions import db
from ...panel.callback.evidence import evidence_of
from ..access import load_callback
from ..screens import now

bp = Blueprint("evidence", __name__)


@bp.get("/callbacks/<int:id_>/evidence")
def show(id_: int) -> str:
    made = evidence_of(load_callback(id_), current_user, now())
    db.session.commit()
    return render_template("evidence/show.html", evidence=made, callback=made.callback, row=made.row)
