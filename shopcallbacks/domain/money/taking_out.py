"""Payments that leave the books again: one that is gone after it was booked, one of which a person thought better."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..errors import Refused
from ..states import CancelledBy, Effect, Entry, OrderState
from ..values import Money
from .decision import Decision, Telling
from .exchange import origin
from .ledger import Booking, Figures
from .order import OrderFacts
from .payment import Life


def take_out(telling: Telling) -> Decision:
    """What is kept and owed of it leaves the ledger; what was given back stays."""
    return _taken_out(telling, telling.message.at)


def _taken_out(telling: Telling, ended_at: datetime | None) -> Decision:
    before, figures = telling.order, telling.figures
    if not figures.held:
        raise Refused("Nothing of this payment is kept or owed any more.")
    payment = replace(telling.payment, life=Life.taken_out, ended_at=ended_at)
    rows = _withdrawn(telling)
    order = before.with_payment(payment).booked(*rows)
    if order.kept < before.kept and before.state is not OrderState.refunded:
        order = _state(order)
    return telling.done(order, Effect.taken_back, rows[0].money)


def unowe(telling: Telling) -> Decision:
    """A person thought better of *Needs refund*: all of it is still owed, and now it is to be decided anew."""
    figures = telling.figures
    if figures.kept or figures.owed != figures.came_in:
        raise Refused("It has been given back since, at least in part.")
    own = telling.bookings(Entry.payment)
    if any(row not in own for row in _in_the_books(figures)):
        raise Refused("Other money of this payment is owed too, and only this callback would be decided anew.")
    return _taken_out(telling, None)  # the message that is decided anew is no old word of it


_IN = (Entry.payment, Entry.release)


def _in_the_books(figures: Figures) -> list[Booking]:
    """By what the payment came in, or was released, since it was last taken out of the books."""
    out = [place for place, row in enumerate(figures.rows) if row.entry is Entry.withdrawal]
    return [row for row in figures.rows[max(out, default=-1) + 1 :] if row.entry in _IN]


def _withdrawn(telling: Telling) -> list[Booking]:
    """A row for each currency of which something goes out."""
    figures, kept = telling.figures, origin(telling.order, telling.figures)
    rows = []
    for currency in sorted({kept.currency, *figures.owed}):
        own, taken = (kept.minor, figures.kept) if currency == kept.currency else (0, 0)
        money = Money(own + figures.owed[currency], currency)
        if money.minor:
            row = Booking(Entry.withdrawal, telling.account, telling.transaction, money, at=telling.message.at)
            rows.append(replace(row, came_in=-money.minor, taken=-taken, owed=-figures.owed[currency]))
    return rows


def _state(order: OrderFacts) -> OrderFacts:
    """Open only while other payments cover it; it waits while some is kept or another try is alive."""
    if order.kept and order.need <= 0:
        return order.now(OrderState.open)
    if order.kept or order.lives():
        return order.now(OrderState.awaiting_payment)
    return order.now(OrderState.cancelled, CancelledBy.failed_try)
