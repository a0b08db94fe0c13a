"""The shop's API: temporary orders come in, their state goes out, and the feed of changes can be followed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request, url_for

from ..callbacks.callback import Callback
from ..domain.states import Entry
from ..extensions import csrf, db, limiter, ring
from ..orders.feed import OrderEvent
from ..orders.intake import BadOrder, parse_new_order, read_json
from ..orders.order import Order
from ..shops.accounts import Shop
from .problems import problem

bp = Blueprint("api", __name__, url_prefix="/api")
csrf.exempt(bp)
limiter.exempt(bp)

PAGE, MOST = 100, 1000


@bp.before_request
def authenticate() -> Response | None:
    """The bearer token names the shop."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shop = Shop.by_api_token(token.strip()) if scheme.lower() == "bearer" and token else None
    if shop is None:
        return problem(401, "The bearer token is missing or not known.", {"WWW-Authenticate": "Bearer"})
    g.shop = shop
    return None


@bp.post("/orders")
def create_order() -> Response:
    """A new temporary order, 201; the same order again, 200; another order of that number, 409."""
    try:
        new = parse_new_order(read_json(request.get_data()), g.shop)
    except BadOrder as error:
        return problem(422, "The order can't be taken.", errors=error.problems)
    order, made = Order.create(new, g.shop.id)
    if not made and order.total != new.total:
        db.session.rollback()
        return problem(409, f"There is an order {new.number} of {order.total} already.")
    woken = Callback.wake(g.shop.id, new.number) if made else set()
    db.session.commit()
    for asks in woken:
        ring(asks)
    response = jsonify(as_json(order))
    response.status_code = 201 if made else 200
    response.headers["Location"] = url_for("api.show_order", number=order.number)
    return response


@bp.get("/orders/<path:number>")
def show_order(number: str) -> Response:
    order = Order.find(g.shop.id, number)
    if order is None:
        return problem(404, f"There is no order {number}.")
    return jsonify(as_json(order))


@bp.get("/events")
def list_events() -> Response:
    """The shop's order changes behind `after`, in the order they were committed; `cursor` is the next `after`."""
    after, limit = request.args.get("after", "0"), request.args.get("limit", str(PAGE))
    errors = {
        name: "must be a whole number, 0 or more"
        for name, value in (("after", after), ("limit", limit))
        if not (value.isascii() and value.isdecimal() and len(value) < 19)
    }
    if errors:
        return problem(422, "The events can't be listed.", errors=errors)
    events = OrderEvent.after(g.shop.id, int(after), min(max(int(limit), 1), MOST))
    cursor = events[-1].position if events else int(after)
    return jsonify({"events": [event.as_json for event in events], "cursor": str(cursor)})


def as_json(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "state": order.state,
        "amount": str(order.total.amount),
        "currency": order.currency,
        "paid": str(order.paid.amount),
        "refunded": str(order.refunded.amount),
        "owed": str(order.owed.amount),
        "test": order.test,
        "customer_email": order.customer_email,
        "created_at": order.created_at.isoformat(),
        "changed_at": order.changed_at.isoformat(),
        "payments": [
            {
                "kind": row.entry,
                "amount": str(row.money.amount),
                "currency": row.currency,
                "transaction_id": row.transaction_id,
                "callback_id": row.callback_id,
                "booked_at": row.booked_at.isoformat(),
            }
            for row in sorted(order.ledger, key=lambda row: (row.entry is Entry.refund, row.id))
        ],
    }
