"""The panel of callbacks, one callback's page, its original, and what the panel shows as a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from ...dashboard import decisions
from ...domain.errors import Conflict, Reason, Refused
from ...domain.states import Column
from ...panel import moved
from ...panel.callback.request import original_of
from ...panel.counts import COUNTED, count_up_to, news_since, tab_counts
from ...panel.download.callbacks import callbacks as table_of
from ...panel.filter import Filter, Tab
from ...panel.page import Cursor, page_of
from ...panel.rows import rows_of
from ...panel.saved_views import SavedView
from ...panel.search.index import history_before
from ...panel.search.search import FOUND
from ...shops.accounts import Shop
from ..access import current_shop, load_callback, managers_only
from ..downloads import attachment, taken_along
from ..replica import as_of, from_replica
from ..screens import glanced, now, wants_fragment
from .telling import back, page_address, page_from, page_parts, row_parts, told, undos_of
from .words import FILTERS

bp = Blueprint("callbacks", __name__)
bp.record_once(
    lambda setup: setup.app.jinja_env.filters.update(FILTERS | {"page_from": page_from, "page_of": page_address})
)


@bp.get("/callbacks")
@from_replica
def index() -> str:
    shop = current_shop()
    template = "callbacks/_panel.html" if wants_fragment() else "callbacks/index.html"
    return render_template(template, **panel_parts(_filter(shop), shop))


@bp.get("/callbacks/news")
def news() -> str | Response:
    """What has changed for an open panel: rows that have come, counts, shown rows that moved on. Often nothing."""
    shop, since = current_shop(), request.args.get("since", type=datetime.fromisoformat, default=now())
    glance = glanced()
    shown = moved.read(request.args.get("shown", ""))
    gone_on = moved.moved(shown, shop, now())
    if not gone_on and request.args.get("seen") == glance.state:
        return Response(status=204)
    filter_ = _filter(shop)
    return render_template(
        "callbacks/_following.html",
        filter=filter_,
        since=since,
        news=news_since(filter_, shop, since, shown) if since.tzinfo else 0,
        glance=glance,
        back=back(),
        counts=tab_counts(shop, filter_.q, glance),
        counted=counted(filter_),
        rows=rows_of(gone_on, current_user, now()),
        undos=undos_of(gone_on),
        fresh=True,
    )


@bp.get("/callbacks/<int:id_>/row")
def row(id_: int) -> Response:
    """The row of a callback on which something is open, asked for until nothing is. What came of it is said aloud to
    who asked for it: to others it is one of many.
    """
    parts = row_parts(load_callback(id_))
    row = parts["row"]
    return told(render_template("callbacks/row/_row.html", **parts), row, aloud=row.asked_by_viewer)


@bp.get("/callbacks/<int:id_>")
def show(id_: int) -> str | Response:
    parts = page_parts(load_callback(id_), part=request.args.get("part", ""))
    if not wants_fragment():
        return render_template("callbacks/page/show.html", **parts)
    page = render_template("callbacks/page/_page.html", **parts)
    return told(page, parts["row"]) if "watched" in request.args else page


@bp.get("/callbacks/<int:id_>/original")
@managers_only
def original(id_: int) -> BaseResponse:
    """The body as it came; with `?whole=1` the whole request. Card numbers are not masked, so not for viewers.

    Byte for byte for admins, who may set up what opens doors; for managers that is hidden.
    """
    callback = load_callback(id_)  # of which shop, too, the role is
    hidden = not current_user.may_set_up
    try:
        name, content = original_of(callback, whole="whole" in request.args, hidden=hidden)
    except Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("callbacks.show", id_=id_), 303)
    return attachment(content, name)


@bp.get("/callbacks.csv", defaults={"form": "csv"})
@bp.get("/callbacks.xlsx", defaults={"form": "xlsx"})
@from_replica
def download(form: str) -> Response:
    shop = current_shop()
    asked = request.query_string.decode(errors="replace")[:500]
    return taken_along(table_of(_filter(shop), shop), form, f"callbacks {asked}")


def _filter(shop: Shop) -> Filter:
    return Filter.read(request.args.items(multi=True)).at(shop)


def _cursor() -> Cursor | None:
    for name in ("after", "before"):
        if name in request.args:
            return Cursor.read(request.args[name], onward=name == "after")
    return None


def counted(filter_: Filter) -> int:
    """So far it is counted."""
    return FOUND if filter_.q else COUNTED


def panel_parts(filter_: Filter, shop: Shop) -> dict[str, Any]:
    glance = glanced()
    search = filter_.search(shop)
    counts = tab_counts(shop, filter_.q, glance, search)
    cursor = _cursor()
    page = page_of(filter_, shop, cursor, search)
    limit = counted(filter_)
    return {
        "shop": shop,
        "filter": filter_,
        "counts": counts,
        "counted": limit,
        "total": count_up_to(filter_, shop, limit, search) if filter_.but(q=None).narrowed else counts[filter_.tab],
        "total_up_to": limit,
        "history_before": history_before() if filter_.q else None,
        "page": page,
        "rows": rows_of(page.callbacks, current_user, now()),
        "beyond": cursor is not None,
        "since": as_of(),
        "glance": glance,
        "back": request.full_path.rstrip("?"),
        "reasons": list(Reason),
        "conflicts": list(Conflict),
        "undecided": decisions.still_open(shop.id, now()) if filter_.tab is Tab.decide else None,
        "views": [(view, view.filter(shop)) for view in SavedView.seen_by(current_user, shop)],
        "columns": list(Column),
    }
