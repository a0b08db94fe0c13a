"""Money that left before its payment was told: booked against the payment once both are known."""

from __future__ import annotations

from dataclasses import replace

from ..states import Entry
from ..values import Money
from .holding import holding
from .ledger import Booking
from .order import OrderFacts
from .payment import Payment


def matched(order: OrderFacts, payment: Payment) -> OrderFacts:
    """The order with all that is unmatched of the payment booked against what it has: what is owed first, then kept."""
    for booking in order.figures(payment).of(Entry.refund, Entry.chargeback):
        order = _match(order, payment, booking)
    return order


def _match(order: OrderFacts, payment: Payment, booking: Booking) -> OrderFacts:
    figures, currency = order.figures(payment), order.total.currency
    unmatched = holding(order, booking).unmatched
    owed = min(unmatched, figures.owed[currency])
    kept = min(unmatched - owed, figures.kept)
    if owed + kept == 0:
        return order
    row = _moved(booking, Money(owed + kept, currency))
    return order.booked(replace(row, unmatched=-owed - kept, owed=-owed, given_back=kept))


def covered(order: OrderFacts, payment: Payment) -> OrderFacts:
    """What was given back of the payment beyond what came in is covered by what is owed of it now."""
    currency = order.total.currency
    for booking in reversed(order.figures(payment).of(Entry.refund, Entry.chargeback)):
        figures = order.figures(payment)
        minor = min(figures.lost, figures.owed[currency], holding(order, booking).given_back)
        if minor > 0:
            row = _moved(booking, Money(minor, currency))
            order = order.booked(replace(row, given_back=-minor, owed=-minor))
    return order


def _moved(booking: Booking, money: Money) -> Booking:
    """A row by which so much of what the refund or chargeback holds comes from elsewhere."""
    return Booking(Entry.matching, booking.account, booking.transaction, money, of=booking.name)
