"""The shop's API: temporary orders come in, their state goes out, and the feed of changes can be followed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, g, jsonify, request, url_for

from ..callbacks import moves
from ..callbacks.moves import Moved
from ..domain.errors import Refused
from ..domain.money import Answer
from ..domain.numbers import number_key
from ..domain.states import Lane
from ..domain.values import Money, read_id
from ..extensions import csrf, db, ring
from ..orders import repeats, statements
from ..orders.feed import OrderEvent
from ..orders.intake import BadOrder, parse_new_order, read_json
from ..orders.order import Order
from ..orders.statements import Statement
from ..shops.tokens import ApiToken
from ..shops.tries import TOKENS, network, tries
from .problems import problem
from .sessions import keep_seen

bp = Blueprint("api", __name__, url_prefix="/api")
csrf.exempt(bp)

PAGE, MOST = 100, 1000


@bp.before_request
def authenticate() -> Response | None:
    """The bearer token names the shop. Wrong ones are counted by network."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = ApiToken.of_text(text.strip()) if scheme.lower() == "bearer" and text else None
    if token is None:
        if wait := tries().take(TOKENS, network(request.remote_addr)):
            return problem(429, "Too many wrong bearer tokens from your network.", {"Retry-After": str(wait)})
        return problem(401, "The bearer token is missing or not known.", {"WWW-Authenticate": "Bearer"})
    if token.used():
        keep_seen()
    g.token, g.shop = token, token.shop
    return None


@bp.before_request
def repeat() -> Response | None:
    """A call with an `Idempotency-Key` that was used in the last 24 hours is answered as it was then, and does nothing;
    422 where it was another call. One that comes while the first is at work waits for it.
    """
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    g.call = None
    if key is None:
        return None
    if not (0 < len(key) <= repeats.LONGEST and key.isprintable()):
        return problem(422, f"An Idempotency-Key is printable text of at most {repeats.LONGEST} characters.")
    g.call = repeats.Call(g.shop.id, key, hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).digest())
    before = repeats.begin(g.call)
    if before is None:
        return None
    if not before.same:
        return problem(422, "This Idempotency-Key was used for another call.")
    kind = "application/json" if before.status < 400 else "application/problem+json"
    return Response(before.body, before.status, content_type=kind)


@bp.post("/orders")
def create_order() -> Response:
    """A new temporary order, 201, also one that was cancelled and is handed in again; replaced, or as it was, 200.

    409 where it is paid, or has taken more than that.
    """
    try:
        new = parse_new_order(read_json(request.get_data()), g.shop)
        response = _moving(new.number, lambda: moves.hand_in(new, g.shop))
    except BadOrder as error:
        return problem(422, "The order can't be taken.", errors=error.problems)
    if moves.woken_behind(g.shop, new.number):
        db.session.commit()
        ring(Lane.plain)
    return response


@bp.post("/orders/<path:number>/cancel")
def cancel_order(number: str) -> Response:
    """The shop gave the order up: 200, also where it was cancelled before; 409 where it is paid."""
    order = Order.find(g.shop.id, number_key(number))
    if order is None:
        return problem(404, f"There is no order {number}.")
    return _moving(order.number, lambda: moves.cancel(order.id, "shop API"))


def _moving(number: str, move: Callable[[], Moved]) -> Response:
    """Moves the order; it as it stands then. 409 with what it has taken, which the shop must not overlook."""
    woken = False
    try:
        moved = move()
    except Refused as refused:
        order = Order.find(g.shop.id, number)
        assert order is not None
        response = problem(409, str(refused), order=as_json(order))
    else:
        woken = moved.woken
        response = jsonify(as_json(db.session.get_one(Order, moved.order_id)))
        response.status_code = 201 if moved.answer in (Answer.created, Answer.again) else 200
        response.headers["Location"] = url_for("api.show_order", number=number)
    if g.call is not None:
        repeats.answered(g.call, response.status_code, response.get_data(as_text=True))
    db.session.commit()
    if woken:
        ring(Lane.plain)
    return response


@bp.get("/orders/<path:number>")
def show_order(number: str) -> Response:
    order = Order.find(g.shop.id, number_key(number))
    if order is None:
        return problem(404, f"There is no order {number}.")
    return jsonify(as_json(order))


@bp.get("/events")
def list_events() -> Response:
    """The shop's order changes behind `after`, in the order they were committed; `cursor` is the next `after`."""
    after, limit = read_id(request.args.get("after", "0")), read_id(request.args.get("limit", str(PAGE)))
    if after is None or limit is None:
        given = {"after": after, "limit": limit}
        errors = {name: "must be a whole number, 0 or more" for name, value in given.items() if value is None}
        return problem(422, "The events can't be listed.", errors=errors)
    events = OrderEvent.after(g.shop.id, after, min(max(limit, 1), MOST))
    cursor = events[-1].position if events else after
    return jsonify({"events": [event.as_json for event in events], "cursor": str(cursor)})


def as_json(order: Order) -> dict[str, Any]:
    """`paid`: what the order took; money that came in and was not taken stands with its payment, as `owed`."""
    return {
        "number": order.number,
        "state": order.state,
        "cancelled_by": order.cancelled_by,
        "amount": str(order.total.amount),
        "currency": order.currency,
        "paid": str(order.paid.amount),
        "given_back": str(order.given_back.amount),
        "kept": str(order.kept.amount),
        "need": str(order.need.amount),
        "owed": str(Money(order.owed_minor, order.currency).amount),
        "owed_other": _by_currency(order.owed_other),
        "test": order.test,
        "customer_email": order.customer_email,
        "expires_at": order.expires_at.isoformat() if order.expires_at else None,
        "created_at": order.created_at.isoformat(),
        "changed_at": order.changed_at.isoformat(),
        "payments": [_payment(one) for one in statements.of(order)],
    }


def _payment(one: Statement) -> dict[str, Any]:
    """One try to pay. `taken`: what the order counts as its own of it; nothing of one that it did not take."""
    return {
        "gateway_account": one.account.slug,
        "transaction_ids": list(one.payment.transactions),
        "life": one.payment.life,
        "came_in": _by_currency(one.figures.came_in),
        "taken": str(one.taken.amount),
        "given_back": str(one.given_back.amount),
        "kept": str(one.kept.amount),
        "owed": _by_currency(one.figures.owed),
        "disputed": one.disputed,
        "answer_by": one.answer_by.isoformat() if one.answer_by else None,
        "bookings": [
            {
                "kind": row.entry,
                "amount": str(row.money.amount),
                "currency": row.currency,
                "movement": row.movement,
                "callback_id": row.callback_id,
                "at": row.booked_at.isoformat(),
            }
            for row in one.rows
        ],
    }


def _by_currency(sums: Mapping[str, int]) -> dict[str, str]:
    return {currency: str(Money(minor, currency).amount) for currency, minor in sorted(sums.items())}
