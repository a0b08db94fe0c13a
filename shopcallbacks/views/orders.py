"""The shop's orders: the list, one with its payments, its story and its callbacks, and what is owed back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..callbacks import moves, related
from ..dashboard import unheard
from ..domain.errors import Refused
from ..domain.states import Lane, OrderState
from ..extensions import db, ring
from ..orders import lists
from ..orders.order import Order
from ..outgoing.deliveries import Delivery
from .access import current_shop, load_order, managers_only
from .callbacks.telling import back_to
from .callbacks.verbs import why
from .screens import now, wants_fragment

bp = Blueprint("orders", __name__, url_prefix="/orders")

ONLY = ("owed", "unheard")


@bp.get("")
def index() -> str:
    state, number = request.args.get("state", type=OrderState), request.args.get("number", "").strip()
    shop_id, after = current_shop().id, request.args.get("after")
    only = None if number or state else next((name for name in ONLY if name in request.args), None)
    if only == "owed":
        page = lists.in_debt(shop_id, after)
    elif only == "unheard":
        page = unheard.page(shop_id, now(), after)
    elif number:
        page = lists.numbered(shop_id, number, state, after)
    else:
        page = lists.newest(shop_id, state, after)
    return render_template("orders/index.html", page=page, state=state, number=number, after=after, only=only)


@bp.get("/<int:id_>")
def show(id_: int) -> str:
    order = load_order(id_)
    return render_template(
        "orders/show.html",
        order=order,
        callbacks=related.callbacks_about(order),
        deliveries=Delivery.of_order(order.id),
    )


@bp.get("/<int:id_>/settlement")
@managers_only
def ask_settle(id_: int) -> str:
    return question(load_order(id_))


@bp.post("/<int:id_>/settlement")
@managers_only
def settle(id_: int) -> Response | tuple[str, int]:
    """A person says that the money owed was given back."""
    order = load_order(id_)
    owed = " and ".join(str(money) for money in order.owed)
    try:
        moved = moves.settle(order.id, current_user, why())
    except Refused as refused:
        db.session.rollback()
        return question(load_order(id_), str(refused)), 422
    db.session.commit()
    if moved.woken:
        ring(Lane.plain)
    flash(f"{owed} of order {order.number} is given back.")
    return redirect(back_to(url_for("orders.show", id_=id_)), 303)


def question(order: Order, problem: str = "") -> str:
    template = "orders/_settle.html" if wants_fragment() else "orders/settle.html"
    return render_template(template, order=order, problem=problem, back=back_to(url_for("orders.show", id_=order.id)))
