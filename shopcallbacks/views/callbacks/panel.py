"""The panel of callbacks, one callback's page, its original, and the CSV of what the panel shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_login import current_user

from ...dashboard import decisions, glance
from ...domain.errors import Reason
from ...domain.states import Column
from ...extensions import db
from ...panel import moved
from ...panel.callback.request import original_of
from ...panel.csv import file_name, write_csv
from ...panel.filter import Filter, Tab
from ...panel.page import COUNTED, Cursor, count_up_to, news_since, page_of, tab_counts
from ...panel.rows import rows_of
from ...panel.saved_views import SavedView
from ...panel.search.index import history_before
from ...panel.search.search import FOUND
from ...shops.accounts import Shop
from ...shops.acts import Activity
from ..access import current_shop, load_callback, managers_only
from ..screens import now, wants_fragment
from .telling import back, page_parts, row_parts, told
from .words import FILTERS

bp = Blueprint("callbacks", __name__)
bp.record_once(lambda setup: setup.app.jinja_env.filters.update(FILTERS))


@bp.get("/callbacks")
def index() -> str:
    shop = current_shop()
    template = "callbacks/_panel.html" if wants_fragment() else "callbacks/index.html"
    return render_template(template, **panel_parts(_filter(shop), shop))


@bp.get("/callbacks/news")
def news() -> str | Response:
    """What has changed for an open panel: rows that have come, counts, shown rows that moved on. Often nothing."""
    shop, since = current_shop(), request.args.get("since", type=datetime.fromisoformat, default=now())
    glanced = glance.at(shop.id, now())
    gone_on = moved.moved(moved.read(request.args.get("shown", "")), shop, now())
    if not gone_on and request.args.get("seen") == glanced.state:
        return Response(status=204)
    filter_ = _filter(shop)
    return render_template(
        "callbacks/_following.html",
        filter=filter_,
        since=since,
        news=news_since(filter_, shop, since) if since.tzinfo else 0,
        glance=glanced,
        back=back(),
        counts=tab_counts(shop),
        counted=COUNTED,
        rows=rows_of(gone_on, current_user, now()),
        fresh=True,
    )


@bp.get("/callbacks/<int:id_>/row")
def row(id_: int) -> Response:
    """The row of a callback on which something is open, asked for until nothing is."""
    callback = load_callback(id_)
    return told(render_template("callbacks/_row.html", **row_parts(callback)), callback)


@bp.get("/callbacks/<int:id_>")
def show(id_: int) -> str | Response:
    callback = load_callback(id_)
    parts = page_parts(callback, part=request.args.get("part", ""))
    if not wants_fragment():
        return render_template("callbacks/show.html", **parts)
    page = render_template("callbacks/_page.html", **parts)
    return told(page, callback) if "watched" in request.args else page


@bp.get("/callbacks/<int:id_>/original")
@managers_only
def original(id_: int) -> Response:
    """The body as it came, byte for byte; with `?whole=1` the whole request. Nothing is masked, so not for viewers."""
    name, content = original_of(load_callback(id_), whole="whole" in request.args)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type="application/octet-stream")


@bp.get("/callbacks.csv")
def csv() -> Response:
    """That somebody took them along is an act too."""
    shop = current_shop()
    asked = request.query_string.decode(errors="replace")[:500]
    blocks = write_csv(_filter(shop), shop, bom=request.args.get("bom") == "1")
    Activity.record("export", current_user, shop_id=shop.id, what=f"callbacks {asked}".strip())
    db.session.commit()
    headers = {"Content-Disposition": f'attachment; filename="{file_name(shop, now())}"'}
    return Response(blocks, headers=headers, content_type="text/csv; charset=utf-8; header=present")


def _filter(shop: Shop) -> Filter:
    return Filter.read(request.args.items(multi=True)).at(shop)


def _cursor() -> Cursor | None:
    for name in ("after", "before"):
        if name in request.args:
            return Cursor.read(request.args[name], onward=name == "after")
    return None


def panel_parts(filter_: Filter, shop: Shop) -> dict[str, Any]:
    glanced = glance.at(shop.id, now())
    counts = tab_counts(shop)
    cursor = _cursor()
    page = page_of(filter_, shop, cursor)
    limit = FOUND if filter_.q else COUNTED
    return {
        "shop": shop,
        "filter": filter_,
        "counts": counts,
        "counted": COUNTED,
        "total": count_up_to(filter_, shop, limit) if filter_.narrowed else counts[filter_.tab],
        "total_up_to": limit,
        "history_before": history_before() if filter_.q else None,
        "page": page,
        "rows": rows_of(page.callbacks, current_user, now()),
        "beyond": cursor is not None,
        "since": now(),
        "glance": glanced,
        "back": request.full_path.rstrip("?"),
        "reasons": list(Reason),
        "undecided": decisions.still_open(shop.id, now()) if filter_.tab is Tab.decide else None,
        "views": [(view, view.filter(shop)) for view in SavedView.of(current_user, shop)],
        "columns": list(Column),
    }
