"""Tries to pay that begin, end, and are disputed: nothing here moves money."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ..errors import Conflict
from ..states import CancelledBy, Effect, Entry, OrderState
from ..values import Outcome
from .decision import Decision, Telling, conflict
from .order import OrderFacts
from .payment import Dispute, Life, later, latest


def pending(telling: Telling) -> Decision:
    """The try is alive, and an order that was only handed in, or that a failed try had cancelled, waits for it."""
    order, payment = telling.order, telling.payment
    again = later(telling.message.at, payment.ended_at)
    if telling.around.forgotten or telling.figures.booked or (payment.over and not again):
        return telling.nothing()
    alive = replace(
        payment,
        life=Life.alive,
        began_at=latest(telling.message.at, payment.began_at),
        ended_at=None,
        heard_at=telling.now,
    )
    order = order.with_payment(alive).but(held_since=None)
    if order.state is OrderState.temporary or (revives(order) and telling.settings.payment_reopens):
        return telling.done(order.now(OrderState.awaiting_payment), Effect.awaiting)
    return Decision(order, Effect.none)


def revives(order: OrderFacts) -> bool:
    """Only a failed try had cancelled it: neither time nor the shop gave it up."""
    return order.state is OrderState.cancelled and order.cancelled_by is CancelledBy.failed_try


def ended(telling: Telling) -> Decision:
    """The try has failed or was cancelled."""
    order, payment, figures = telling.order, telling.payment, telling.figures
    paid_at = max((row.at for row in figures.of(Entry.payment) if row.at), default=None)
    if later(paid_at, telling.message.at):
        return telling.nothing()
    if telling.message.uncaptured and figures.booked:
        return Decision(_over(telling), Effect.none)
    if figures.held:
        raise conflict(Conflict.payment_gone, _gone(telling))
    if telling.around.early or payment.over:
        return telling.nothing()
    order = _over(telling)
    if not order.waiting or order.kept or order.lives() or (_of_another_sum(telling) and not payment.alive):
        return Decision(order, Effect.none)
    return _refuse(telling, order)


def _over(telling: Telling) -> OrderFacts:
    payment = telling.payment
    if payment.life is Life.taken_out:
        return telling.order
    return telling.order.with_payment(replace(payment, life=Life.ended, ended_at=telling.message.at))


def _of_another_sum(telling: Telling) -> bool:
    """The try was of a cart that was changed since."""
    money, total = telling.message.money, telling.order.total
    return money is not None and money.minor != 0 and money != total


def _gone(telling: Telling) -> str:
    said = "failed" if telling.message.outcome is Outcome.failed else "been cancelled"
    what = "The payment that opened the order" if telling.order.state is OrderState.open else "A payment that is booked"
    return f"{what} is now said to have {said}."


def _refuse(telling: Telling, order: OrderFacts) -> Decision:
    """The last try has ended: the order is cancelled, at once or when the time for another try is over."""
    since = order.held_since or telling.now
    over = telling.now >= since + timedelta(seconds=telling.settings.refusal_cancels_after)
    if over and not telling.around.paid_waits:
        return telling.done(order.now(OrderState.cancelled, CancelledBy.failed_try), Effect.cancelled)
    return telling.done(order.but(held_since=since), Effect.refused)


def disputed(telling: Telling) -> Decision:
    """The payment is marked, and that is told once. A day to answer by says that it is disputed anew."""
    if telling.transaction is None and len(telling.payments_with_money) == 1:
        transaction = telling.payments_with_money[0].transactions[0]
        telling = replace(telling, message=replace(telling.message, transaction_id=transaction))
    payment, by = telling.payment, telling.message.answer_by
    marked = telling.order.with_payment(replace(payment, dispute=Dispute.open, answer_by=by or payment.answer_by))
    if payment.dispute is None:
        return telling.done(marked, Effect.disputed)
    over = payment.dispute is Dispute.over and by is None
    return telling.nothing() if over else Decision(marked, Effect.none)
