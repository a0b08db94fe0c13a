"""Temporary orders come in, can be given up, and are shown with their payments."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Response, g, request, url_for

from ...bells import ring
from ...callbacks import moves
from ...callbacks.moves import Moved
from ...domain.errors import Refused
from ...domain.money import Answer
from ...domain.numbers import number_key
from ...domain.states import Lane
from ...domain.values import Money
from ...extensions import db
from ...orders import summaries
from ...orders.intake import BadOrder, parse_new_order, read_json
from ...orders.order import Order
from ...orders.summaries import PaymentSummary
from ...shapes import orders as shapes
from ...shops.tokens import Scope
from ..problems import problem
from .base import answer, bp, kept, operation


@operation(
    "POST",
    "/orders",
    Scope.orders,
    body=shapes.NewOrder,
    answers={
        201: (shapes.Order, "It is new, or was cancelled and is handed in again."),
        200: (shapes.Order, "It waits, and was replaced; or it is as it was."),
    },
    problems=(409, 422),
)
def create_order() -> Response:
    """Hand in a temporary order.

    409 where it is paid, or has taken more than that. Numbers are compared without blanks at their ends and in
    Unicode's NFC; one that a gateway of the shop would cut off is refused with its name.
    """
    try:
        new = parse_new_order(read_json(request.get_data()), g.shop)
        response, moved = _moving(new.number, lambda: moves.hand_in(new, g.shop))
    except BadOrder as error:
        return problem(422, "The order can't be taken.", errors=error.problems)
    if moved is not None and moves.woken_behind(moved):
        db.session.commit()
        ring(Lane.plain)
    return response


@operation(
    "POST",
    "/orders/<path:number>/cancel",
    Scope.orders,
    answers={200: (shapes.Order, "It is cancelled, now or before.")},
    problems=(404, 409, 422),
)
def cancel_order(number: str) -> Response:
    """Give an order up.

    409 where it is paid.
    """
    order = Order.find(g.shop.id, number_key(number))
    if order is None:
        return problem(404, f"There is no order {number}.")
    return _moving(order.number, lambda: moves.cancel(order.id, "shop API"))[0]


def _moving(number: str, move: Callable[[], Moved]) -> tuple[Response, Moved | None]:
    """Moves the order; it as it stands then. 409 with what it has taken, which the shop must not overlook."""
    moved = None
    try:
        moved = move()
    except Refused as refused:
        order = Order.find(g.shop.id, number)
        assert order is not None
        response = problem(409, str(refused), order=shape_of(order))
    else:
        response = answer(
            shape_of(db.session.get_one(Order, moved.order_id)),
            201 if moved.answer in (Answer.created, Answer.again) else 200,
        )
    kept(response)
    db.session.commit()
    if moved is not None and moved.woken:
        ring(Lane.plain)
    return response, moved


@bp.after_request
def tell_place(response: Response) -> Response:
    """Of the order that was moved; a repeat tells it too."""
    moves_one = request.method == "POST" and request.endpoint in ("api.create_order", "api.cancel_order")
    if moves_one and response.status_code < 400:
        response.location = url_for("api.show_order", number=response.get_json()["number"])
    return response


@operation(
    "GET", "/orders/<path:number>", Scope.orders, answers={200: (shapes.Order, "As it stands.")}, problems=(404,)
)
def show_order(number: str) -> Response:
    """Show an order, with its payments."""
    order = Order.find(g.shop.id, number_key(number))
    if order is None:
        return problem(404, f"There is no order {number}.")
    return answer(shape_of(order))


def shape_of(order: Order) -> shapes.Order:
    return shapes.Order(
        number=order.number,
        state=order.state,
        cancelled_by=order.cancelled_by,
        amount=str(order.total.amount),
        currency=order.currency,
        paid=str(order.paid.amount),
        given_back=str(order.given_back.amount),
        kept=str(order.kept.amount),
        need=str(order.need.amount),
        owed=str(Money(order.owed_minor, order.currency).amount),
        owed_other=_by_currency(order.owed_other),
        test=order.test,
        customer_email=order.customer_email,
        expires_at=order.expires_at,
        created_at=order.created_at,
        changed_at=order.changed_at,
        payments=[_payment(one) for one in summaries.of(order)],
    )


def _payment(one: PaymentSummary) -> shapes.Payment:
    return shapes.Payment(
        gateway_account=one.account.slug,
        transaction_ids=list(one.payment.transactions),
        life=one.payment.life,
        came_in=_by_currency(one.figures.came_in),
        taken=str(one.taken.amount),
        given_back=str(one.given_back.amount),
        kept=str(one.kept.amount),
        owed=_by_currency(one.figures.owed),
        disputed=one.disputed,
        answer_by=one.answer_by,
        bookings=[
            shapes.Booking(
                kind=row.entry,
                amount=str(row.money.amount),
                currency=row.currency,
                movement=row.movement,
                callback_id=row.callback_id,
                at=row.booked_at,
            )
            for row in one.rows
        ],
    )


def _by_currency(sums: Mapping[str, int]) -> dict[str, str]:
    return {currency: str(Money(minor, currency).amount) for currency, minor in sorted(sums.items())}
