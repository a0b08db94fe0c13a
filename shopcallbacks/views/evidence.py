"""A callback's evidence page, to print or to keep as PDF."""

from __future__ import annotations

from flask import render_template
from flask_login import current_user

from ..evidence import evidence_of
from ..extensions import db
from .access import load_callback
from .callbacks import bp
from .screens import now


@bp.get("/callbacks/<int:id_>/evidence")
def evidence(id_: int) -> str:
    made = evidence_of(load_callback(id_), current_user, now())
    db.session.commit()
    return render_template("evidence/show.html", evidence=made, callback=made.callback, row=made.row)
