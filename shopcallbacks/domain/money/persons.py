"""What a person does with an order, beside ruling on its callbacks. Each raises `Refused` where it does not fit."""

from __future__ import annotations

from dataclasses import replace

from ..errors import Refused
from ..states import Effect, Entry, OrderState
from ..values import Money
from .decision import Decision, Event
from .ledger import Booking
from .order import OrderFacts
from .payment import Life


def settle(order: OrderFacts) -> Decision:
    """*Given back*: all that is owed was, and no gateway needs to tell."""
    rows = []
    for payment in order.payments:
        for currency, minor in order.figures(payment).owed.items():
            money = Money(minor, currency)
            transaction = payment.transactions[0]
            rows.append(Booking(Entry.settlement, payment.account, transaction, money, owed=-minor, settled=minor))
    if not rows:
        raise Refused("Nothing is owed on this order any more.")
    return _told(order.booked(*rows), Effect.settled, rows[0].money if len(rows) == 1 else None)


def enough(order: OrderFacts) -> Decision:
    """*That is all*: the rest of what a part-paid order needs is waived."""
    part = _last_part(order)
    if not order.waiting or part is None:
        raise Refused("No part of the order is paid.")
    rest = Money(order.need, order.total.currency)
    row = Booking(Entry.waiver, part.account, part.transaction, rest, waived=rest.minor)
    return _told(order.booked(row).now(OrderState.open), Effect.accepted, rest)


def _last_part(order: OrderFacts) -> Booking | None:
    """The last payment of which something is kept."""
    kept = [payment for payment in order.payments if order.figures(payment).kept]
    parts = (row for payment in kept for row in order.figures(payment).of(Entry.payment))
    return max(parts, key=order.ledger.index, default=None)


def end_try(order: OrderFacts, account: int, transaction: str | None) -> Decision:
    """*End this try*: a pending payment that will never end by itself. The order goes on waiting, or expires."""
    payment = order.payment(account, transaction)
    if payment is None or not payment.alive:
        raise Refused("This try is not alive.")
    return _told(order.with_payment(replace(payment, life=Life.ended, ended_at=None)), Effect.try_ended)


def _told(order: OrderFacts, effect: Effect, money: Money | None = None) -> Decision:
    return Decision(order, effect, (Event(effect, order, money),))
