"""Money that leaves: refunds and chargebacks."""

from __future__ import annotations

from dataclasses import replace

from ..errors import CallbackFailed, Conflict, Reason, Refused
from ..states import Effect, Entry, OrderState, Verb
from ..values import Money, Outcome
from .decision import Decision, Telling
from .exchange import Exchange
from .joining import after_leaving
from .order import OrderFacts
from .payment import Payment
from .returning import fallen


def left(telling: Telling) -> Decision:
    """A refund, or a chargeback, which is the same against more and without the customer's leave."""
    entry = _entry(telling)
    if telling.so_far is None:
        if telling.bookings(entry):
            return telling.repeated()
        if _void(telling, entry):
            return telling.nothing()
    telling = _of_one_payment(telling)
    if telling.so_far is not None:
        return _told_so_far(telling, entry, telling.so_far)
    return _leave(telling, entry, telling.message.money or _all(telling, entry))


def _entry(telling: Telling) -> Entry:
    return Entry.refund if telling.message.outcome is Outcome.refunded else Entry.chargeback


def _void(telling: Telling, entry: Entry) -> bool:
    """A failure or reversal that named this very movement was told before, when there was none to find."""
    undone = Entry.refund_failure if entry is Entry.refund else Entry.chargeback_reversal
    return telling.message.movement is not None and any(row.void for row in telling.bookings(undone))


# Of which payment


def _of_one_payment(telling: Telling) -> Telling:
    """The message as one of the payment it is about: the one it names, a person chose, or the only one with money."""
    if telling.ruling and (telling.verb is Verb.choose or telling.ruling.transaction is not None):
        return _named(telling, _chosen(telling, telling.ruling.transaction))
    if telling.transaction is not None:
        return telling
    payments = telling.payments_with_money
    if len(payments) != 1:
        what = "A refund" if telling.message.outcome is Outcome.refunded else "A chargeback"
        raise CallbackFailed(Reason.unclear, f"{what}, but of which payment?", Conflict.which_payment)
    return _named(telling, payments[0])


def _chosen(telling: Telling, transaction: str | None) -> Payment:
    payment = telling.order.payment(telling.account, transaction)
    if telling.transaction is not None or payment not in telling.payments_with_money:
        raise Refused("Choose one of the order's payments.")
    return payment


def _named(telling: Telling, payment: Payment) -> Telling:
    message = replace(telling.message, transaction_id=payment.transactions[0], movement=telling.movement)
    return replace(telling, message=message)


# How much


def _all(telling: Telling, entry: Entry) -> Money:
    """A chargeback that names no sum is of all that ever came in; of a refund nobody can say."""
    if entry is Entry.refund:
        raise CallbackFailed(Reason.unclear, "A refund, but of how much can't be read.")
    currencies = list(telling.figures.came_in) or [telling.order.total.currency]
    return Money(Exchange.of(telling, currencies[0]).chargeable, currencies[0])


def _told_so_far(telling: Telling, entry: Entry, told: Money) -> Decision:
    """A sum so far: what it is more than what is known has left, what it is less has come back."""
    known = Exchange.of(telling, told.currency).left_by(entry)
    if told.minor == known:
        return telling.repeated() if known else telling.nothing()
    if told.minor < known:
        return fallen(telling, entry, Money(known - told.minor, told.currency))
    return _leave(telling, entry, Money(told.minor - known, told.currency))


def _leave(telling: Telling, entry: Entry, money: Money) -> Decision:
    if money.minor <= 0:
        raise CallbackFailed(Reason.unclear, f"Money that left, but {money}.")
    exchange = Exchange.of(telling, money.currency)
    if telling.verb is Verb.accept:
        return _book(telling, entry, money if exchange.possible else _as_a_person_says(telling))
    if not exchange.possible:
        raise CallbackFailed(
            Reason.currency_mismatch, f"order in {telling.order.total.currency}, callback in {money.currency}"
        )
    if money.minor > exchange.limit(entry):
        raise CallbackFailed(Reason.amount_mismatch, f"{entry} of {money}, more than is left of the payment")
    return _book(telling, entry, money)


def _as_a_person_says(telling: Telling) -> Money:
    """The sum in the order's currency of what left in one that nobody knows of."""
    minor = telling.ruling.minor if telling.ruling else None
    if minor is None or minor <= 0:
        raise Refused(f"Say the sum in {telling.order.total.currency}.")
    return Money(minor, telling.order.total.currency)


def _book(telling: Telling, entry: Entry, money: Money) -> Decision:
    """Booked as told, from wherever it leaves; a chargeback ends the dispute."""
    order = telling.order
    row = telling.row(entry, money)
    payment = telling.payment.out_of_dispute() if entry is Entry.chargeback else telling.payment
    after = order.with_payment(payment).booked(Exchange.of(telling, money.currency).outflow(row))
    if after.kept < order.kept:
        after = after_leaving(after)
    return telling.done(after, _effect(order, after, entry), money)


def _effect(before: OrderFacts, after: OrderFacts, entry: Entry) -> Effect:
    if entry is Entry.chargeback:
        return Effect.charged_back
    if after.kept >= before.kept:
        return Effect.recorded
    if after.state is not before.state:
        return Effect.refunded if after.state is OrderState.refunded else Effect.cancelled
    return Effect.partly_refunded
