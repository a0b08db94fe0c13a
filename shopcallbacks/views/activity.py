"""What people did in the shop: one list to narrow down, and the same as a table."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask_login import current_user

from ..panel.audit import Acts
from ..shops.users import User
from ..words.acts import ACTS
from .access import current_shop
from .downloads import taken_along
from .replica import from_replica
from .screens import whole

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


@bp.get("/csv", defaults={"form": "csv"})
@bp.get("/xlsx", defaults={"form": "xlsx"})
@from_replica
def download(form: str) -> Response:
    wanted = Acts.read(request.args.items())
    return taken_along(wanted.table(current_shop(), current_user.owns), form, f"activity {wanted.query}")
