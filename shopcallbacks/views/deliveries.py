"""One delivery: sent again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..bells import ring_outgoing
from ..clock import utcnow
from ..extensions import db
from ..outgoing.deliveries import Delivery
from ..shops.acts import Activity
from .access import load_delivery, managers_only
from .screens import wants_fragment
from .well_formed import own_path

bp = Blueprint("deliveries", __name__, url_prefix="/deliveries")


@bp.get("/<int:id_>")
def show(id_: int) -> str | Response:
    """How one stands, asked while it is on its way."""
    delivery = load_delivery(id_)
    if not wants_fragment():
        return redirect(url_for("orders.show", id_=delivery.order_id, _anchor="told"), 303)
    return render_template("deliveries/_state.html", delivery=delivery)


@bp.post("/<int:id_>/sending")
@managers_only
def send_again(id_: int) -> str | Response:
    delivery = Delivery.lock(load_delivery(id_).id)
    delivery.send_again(utcnow())
    Activity.record(
        "send again",
        current_user,
        shop_id=delivery.event.shop_id,
        order_id=delivery.order_id,
        what=f"order change {delivery.position}",
    )
    db.session.commit()
    ring_outgoing()
    if wants_fragment():
        return render_template("deliveries/_state.html", delivery=delivery)
    flash("It is being sent again.")
    back = own_path(request.form.get("back", ""))
    return redirect(back or url_for("orders.show", id_=delivery.order_id, _anchor="told"), 303)
