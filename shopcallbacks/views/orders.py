"""The shop's orders: the list, and one with its payments, its story and its callbacks."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from .. import order_search, unheard
from ..deliveries import Delivery
from ..transitions import OrderState
from .access import current_shop, load_order
from .screens import now

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("")
def index() -> str:
    state = request.args.get("state", type=OrderState)
    number, after = request.args.get("number", "").strip(), request.args.get("after")
    shop_id = current_shop().id
    unheard_only = not number and state is None and "unheard" in request.args
    if unheard_only:
        page = unheard.page(shop_id, now(), after)
    elif number:
        page = order_search.numbered(shop_id, number, state, after)
    else:
        page = order_search.newest(shop_id, state, after)
    return render_template(
        "orders/index.html", page=page, state=state, number=number, after=after, unheard=unheard_only
    )


@bp.get("/<int:id_>")
def show(id_: int) -> str:
    order = load_order(id_)
    return render_template(
        "orders/show.html",
        order=order,
        callbacks=order_search.callbacks_about(order),
        deliveries=Delivery.of_order(order.id),
    )
