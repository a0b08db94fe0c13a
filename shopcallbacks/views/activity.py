"""What people did in the shop."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from ..activity import Activity
from .access import current_shop

bp = Blueprint("activity", __name__, url_prefix="/activity")

PAGE = 50


@bp.get("")
def index() -> str:
    before = request.args.get("before", type=int)
    acts = Activity.of_shop(current_shop().id, before, PAGE + 1)
    return render_template("activity/index.html", acts=acts[:PAGE], more=len(acts) > PAGE, before=before)
