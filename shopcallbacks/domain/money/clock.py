"""What time does to an order that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ..states import CancelledBy, Effect, OrderState
from .decision import Decision, Event
from .order import OrderFacts
from .payment import Life
from .words import Settings


def tick(
    order: OrderFacts,
    now: datetime,
    settings: Settings,
    paid_waits: bool = False,
    lifetimes: Mapping[int, int] | None = None,
) -> Decision:
    """The order as time leaves it: tries that lived too long without a word have ended, and it is cancelled where a
    refusal was held back long enough, or it has expired; but not while a `paid` of it waits for a person.

    `lifetimes`: by gateway account, for how many seconds a try lives without a word.
    """
    order = _outlived(order, now, lifetimes or {})
    if not order.waiting or order.kept or order.lives() or paid_waits:
        return Decision(order, Effect.none)
    held = timedelta(seconds=settings.refusal_cancels_after)
    if order.held_since is not None and now >= order.held_since + held:
        return _cancelled(order, CancelledBy.failed_try, Effect.cancelled)
    if order.expires_at is not None and now >= order.expires_at:
        return _cancelled(order, CancelledBy.expiry, Effect.expired)
    return Decision(order, Effect.none)


def _outlived(order: OrderFacts, now: datetime, lifetimes: Mapping[int, int]) -> OrderFacts:
    for payment in order.payments:
        seconds = lifetimes.get(payment.account)
        if seconds is None or not payment.alive or payment.heard_at is None:
            continue
        if now >= payment.heard_at + timedelta(seconds=seconds):
            order = order.with_payment(replace(payment, life=Life.ended, ended_at=None))
    return order


def _cancelled(order: OrderFacts, by: CancelledBy, effect: Effect) -> Decision:
    order = order.now(OrderState.cancelled, by)
    return Decision(order, effect, (Event(effect, order),))
