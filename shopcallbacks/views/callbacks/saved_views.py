"""The views of the panel that a user saved: saved, renamed and removed by plain forms that lead back to the panel."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...extensions import db
from ...panel.filter import Filter
from ...panel.saved_views import NotSaved, SavedView
from ...shops.acts import Activity
from ..access import current_shop, load_view

bp = Blueprint("saved_views", __name__, url_prefix="/views")


@bp.post("")
def save() -> Response:
    shop = current_shop()
    filter_ = Filter.from_query(request.form.get("filter", "")).at(shop)
    try:
        view = SavedView.save(_name(), filter_, current_user, shop, shared="shared" in request.form)
    except NotSaved as refused:
        return _refused(refused, filter_)
    return _done("save view", view, f"Saved as “{view.name}”.", filter_)


@bp.post("/<int:id_>/name")
def rename(id_: int) -> Response:
    view, shop = load_view(id_), current_shop()
    former = view.name
    try:
        view.rename(_name(), current_user)
        view.shared = "shared" in request.form
    except NotSaved as refused:
        return _refused(refused, view.filter(shop))
    return _done("rename view", view, f"“{former}” is now “{view.name}”.", view.filter(shop))


@bp.post("/<int:id_>/removal")
def remove(id_: int) -> Response:
    """Its filter stays on the panel: saving it again is the way back."""
    view, shop = load_view(id_), current_shop()
    view.remove()
    said = f"“{view.name}” is removed. What it showed is still here, to be saved again."
    return _done("remove view", view, said, view.filter(shop))


def _name() -> str:
    return request.form.get("name", "")


def _done(verb: str, view: SavedView, said: str, filter_: Filter) -> Response:
    Activity.record(verb, current_user, shop_id=view.shop_id, what=view.name)
    db.session.commit()
    flash(said, "info")
    return _panel(filter_)


def _refused(refused: NotSaved, filter_: Filter) -> Response:
    db.session.rollback()
    flash(str(refused), "warning")
    return _panel(filter_)


def _panel(filter_: Filter) -> Response:
    return redirect(url_for("callbacks.index") + (f"?{filter_.query}" if filter_.query else ""), 303)
