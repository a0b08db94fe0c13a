"""Money that leaves: refunds and chargebacks."""

from __future__ import annotations

from dataclasses import replace

from ...errors import CallbackFailed, Conflict, Reason, Refused
from ...values import Money, Outcome
from .decision import Decision, Telling
from .exchange import Exchange
from .joining import after_leaving
from .ledger import Booking
from .order import OrderFacts
from .payment import Payment
from .returning import came_back
from .words import Effect, Entry, OrderState, Verb


def left(telling: Telling) -> Decision:
    """A refund, or a chargeback, which is the same against more and without the customer's leave."""
    entry = _entry(telling)
    if not telling.message.total:
        if telling.booked(entry):
            return telling.repeated()
        if _void(telling, entry):
            return telling.nothing()
    telling = _of_one_payment(telling)
    if telling.message.total:
        return _so_far(telling, entry)
    return _leave(telling, entry, telling.message.money or _all(telling, entry))


def _entry(telling: Telling) -> Entry:
    return Entry.refund if telling.message.outcome is Outcome.refunded else Entry.chargeback


def _void(telling: Telling, entry: Entry) -> bool:
    """A failure or reversal that named this very movement was told before, when there was none to find."""
    undone = Entry.refund_failure if entry is Entry.refund else Entry.chargeback_reversal
    return telling.message.movement is not None and any(
        row.entry is undone and row.of is None and row.movement == telling.movement and row.account == telling.account
        for row in telling.order.ledger
    )


# Of which payment


def _of_one_payment(telling: Telling) -> Telling:
    """The message as one of the payment it is about: the one it names, a person chose, or the only one with money."""
    if telling.verb is Verb.choose:
        return _named(telling, _chosen(telling))
    if telling.transaction is not None:
        return telling
    payments = [payment for payment in telling.order.payments if _with_money(telling.order, payment)]
    if len(payments) != 1:
        what = "A refund" if telling.message.outcome is Outcome.refunded else "A chargeback"
        raise CallbackFailed(Reason.unclear, f"{what}, but of which payment?", Conflict.which_payment)
    return _named(telling, payments[0])


def _chosen(telling: Telling) -> Payment:
    transaction = telling.ruling.transaction if telling.ruling else None
    payment = telling.order.payment(telling.account, transaction)
    if telling.transaction is not None or payment is None or not _with_money(telling.order, payment):
        raise Refused("Choose one of the order's payments.")
    return payment


def _named(telling: Telling, payment: Payment) -> Telling:
    message = replace(telling.message, transaction_id=payment.transactions[0], movement=telling.movement)
    return replace(telling, account=payment.account, message=message)


def _with_money(order: OrderFacts, payment: Payment) -> bool:
    figures = order.figures(payment)
    return figures.booked and bool(figures.held or figures.settled)


# How much


def _all(telling: Telling, entry: Entry) -> Money:
    """A chargeback that names no sum is of all that ever came in; of a refund nobody can say."""
    if entry is Entry.refund:
        raise CallbackFailed(Reason.unclear, "A refund, but of how much can't be read.")
    currencies = list(telling.figures.came_in) or [telling.order.total.currency]
    return Money(Exchange.of(telling, currencies[0]).chargeable, currencies[0])


def _so_far(telling: Telling, entry: Entry) -> Decision:
    """A sum so far: what it is more than what is known has left, what it is less has come back."""
    assert telling.message.money is not None
    told = telling.message.money
    known = Exchange.of(telling, told.currency).left_by(entry)
    if told.minor == known:
        return telling.repeated() if known else telling.nothing()
    if told.minor < known:
        return came_back(telling, entry, known - told.minor)
    return _leave(telling, entry, Money(told.minor - known, told.currency))


def _leave(telling: Telling, entry: Entry, money: Money) -> Decision:
    if money.minor <= 0:
        raise CallbackFailed(Reason.unclear, f"Money that left, but {money}.")
    accepted = telling.verb is Verb.accept
    exchange = Exchange.of(telling, money.currency)
    if not exchange.possible:
        if not accepted or telling.ruling is None or telling.ruling.minor is None:
            raise CallbackFailed(
                Reason.currency_mismatch, f"order in {telling.order.total.currency}, callback in {money.currency}"
            )
        money = Money(telling.ruling.minor, telling.order.total.currency)
        exchange = Exchange.of(telling, money.currency)
    elif telling.verb is Verb.accept and telling.ruling and telling.ruling.minor is not None:
        money = Money(telling.ruling.minor, telling.order.total.currency)
        exchange = Exchange.of(telling, money.currency)
    if money.minor > exchange.limit(entry) and not accepted:
        what = "refund" if entry is Entry.refund else "chargeback"
        raise CallbackFailed(Reason.amount_mismatch, f"{what} of {money}, more than is left of the payment")
    return _book(telling, entry, exchange, money)


def _book(telling: Telling, entry: Entry, exchange: Exchange, money: Money) -> Decision:
    order = telling.order
    row = Booking(
        entry,
        telling.account,
        telling.transaction,
        money,
        movement=telling.movement,
        nth=order.names(telling.account, entry, telling.movement),
        at=telling.message.at,
        **exchange.outflow(entry, money.minor),
    )
    payment = telling.payment
    if entry is Entry.chargeback:
        payment = replace(payment, disputed=False, answer_by=None)
    after = order.with_payment(payment).booked(row)
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
