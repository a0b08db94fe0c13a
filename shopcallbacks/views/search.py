"""The one search, in the bar on top of every screen."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from ..panel.everywhere import find
from ..panel.filter import Filter
from ..panel.search.index import history_before
from ..panel.search.search import FOUND
from .access import current_shop
from .replica import from_replica
from .screens import glanced

bp = Blueprint("search", __name__)


@bp.get("/search")
@from_replica
def show() -> str:
    shop = current_shop()
    filter_ = Filter.read([("q", request.args.get("q", ""))])
    return render_template(
        "search/show.html",
        q=filter_.q or "",
        problems=filter_.problems,
        found=find(filter_.q, shop, glanced()) if filter_.q else None,
        counted=FOUND,
        history_before=history_before() if filter_.q else None,
    )
