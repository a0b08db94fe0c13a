"""What people did in the shop: one list to narrow down, and the same as CSV."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask_login import current_user

from ..extensions import db
from ..panel.audit import Acts
from ..panel.csv import file_name
from ..shops.acts import Activity
from ..shops.users import User
from ..words.acts import ACTS
from .access import current_shop
from .downloads import csv_file
from .replica import from_replica
from .screens import now, whole

bp = Blueprint("activity", __name__, url_prefix="/activity")

PAGE = 50


@bp.get("")
@from_replica
def index() -> str:
    shop, wanted, before = current_shop(), Acts.read(request.args.items()), request.args.get("before", type=whole)
    acts = wanted.page(shop, current_user.owns, before, PAGE + 1)
    return render_template(
        "activity/index.html",
        acts=acts[:PAGE],
        more=len(acts) > PAGE,
        before=before,
        wanted=wanted,
        people=User.who_see(shop.id),
        verbs=ACTS,
    )


@bp.get("/csv")
@from_replica
def export() -> Response:
    """That somebody took the list with them is an act too."""
    shop, wanted = current_shop(), Acts.read(request.args.items())
    rows = wanted.csv(shop, current_user.may_set_up, bom=True)
    Activity.record("export", current_user, shop_id=shop.id, what=f"activity {wanted.query}".strip())
    db.session.commit()
    return csv_file(rows, file_name(shop, now(), "activity"))
