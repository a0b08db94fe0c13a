"""One payment under two ids: what was told under either is joined, and what had left before is booked against it."""

from __future__ import annotations

from ..states import CancelledBy, Effect, OrderState
from .decision import Event
from .matching import matched
from .order import OrderFacts
from .payment import Payment

Joined = tuple[OrderFacts, tuple[Event, ...]]


def join(order: OrderFacts, account: int, transaction: str | None, carries_on: str | None) -> Joined:
    """The order in which both ids are one payment, and what is to be told of it."""
    if transaction is None or carries_on is None or transaction == carries_on:
        return order, ()
    one = order.payment(account, carries_on) or Payment(account, (carries_on,))
    two = order.payment(account, transaction) or Payment(account, (transaction,))
    if one == two:
        return order, ()
    payment = one.joined(two)
    joined = matched(order.with_payment(payment), payment)
    if joined.kept >= order.kept:
        return joined, ()
    joined = after_leaving(joined)
    effect = Effect.partly_refunded if joined.kept else Effect.refunded
    return joined, (Event(effect, joined, None, account, transaction),)


def after_leaving(order: OrderFacts) -> OrderFacts:
    """The order's state once it keeps less than before: nothing of it is left, or something still is."""
    if order.kept:
        return order
    if order.state is OrderState.open:
        return order.now(OrderState.refunded)
    if order.waiting and not order.lives():
        return order.now(OrderState.cancelled, CancelledBy.failed_try)
    return order
