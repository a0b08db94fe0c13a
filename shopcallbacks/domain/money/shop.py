"""What the shop says of an order: handed in, replaced, handed in again, given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ..errors import Refused
from ..states import CancelledBy, Effect, Entry, OrderState
from ..values import Money
from .decision import Decision, Event
from .exchange import origin
from .ledger import Booking
from .order import OrderFacts
from .payment import Payment


class Answer(StrEnum):
    """What the shop hears."""

    created = "created"
    done = "done"
    again = "again"  # a cancelled order was handed in again
    same = "same"  # nothing was to be done


@dataclass(frozen=True)
class Handing:
    """An order as the shop hands it in. `expires_at`: aware, None where the shop named none."""

    number: str
    total: Money
    test: bool = False
    account: int | None = None
    email: str | None = None
    expires_at: datetime | None = None


def hand_in(order: OrderFacts | None, handing: Handing) -> tuple[Decision, Answer]:
    """The order of that number, if there is one, after the shop has handed this in. `Refused` where it can't be."""
    if order is None:
        new = _as_handed_in(OrderFacts(handing.number, handing.total), handing)
        return _told(new, Effect.created), Answer.created
    if order.waiting:
        return _replace(order, handing)
    if order.state is OrderState.cancelled:
        _check_currency(order, handing)
        again = _as_handed_in(order, handing).now(OrderState.temporary).but(held_since=None)
        return _told(again, Effect.handed_in_again), Answer.again
    if handing.total != order.total:
        raise Refused(f"The order is paid: it has taken {Money(order.taken, order.total.currency)}.")
    return Decision(order, Effect.none), Answer.same


def _as_handed_in(order: OrderFacts, handing: Handing) -> OrderFacts:
    return order.but(
        total=handing.total,
        test=handing.test,
        account=handing.account,
        email=handing.email,
        expires_at=handing.expires_at,
    )


def _replace(order: OrderFacts, handing: Handing) -> tuple[Decision, Answer]:
    _check_currency(order, handing)
    if handing.total.minor < order.kept:
        raise Refused(f"The order has {Money(order.kept, order.total.currency)} already.")
    order = order.but(expires_at=handing.expires_at or order.expires_at)
    new = _as_handed_in(order, replace(handing, expires_at=order.expires_at))
    if new == order:
        return Decision(order, Effect.none), Answer.same
    new = new.but(held_since=None)
    replaced = _told(new, Effect.replaced)
    if new.kept and new.need <= 0:
        return _told(new.now(OrderState.open), Effect.opened).after(replaced.events), Answer.done
    return replaced, Answer.done


def _check_currency(order: OrderFacts, handing: Handing) -> None:
    if handing.total.currency != order.total.currency and order.ledger:
        raise Refused(f"Money is booked on the order in {order.total.currency}.")


def cancel(order: OrderFacts) -> tuple[Decision, Answer]:
    """The shop gives the order up: what it kept is owed. `Refused` of one that is paid."""
    if order.state in (OrderState.open, OrderState.refunded):
        raise Refused("The order is paid.")
    if order.state is OrderState.cancelled and order.cancelled_by is not CancelledBy.failed_try:
        return Decision(order, Effect.none), Answer.same
    for payment in order.payments:
        order = _released(order, payment)
    return _told(order.now(OrderState.cancelled, CancelledBy.shop), Effect.cancelled), Answer.done


def _released(order: OrderFacts, payment: Payment) -> OrderFacts:
    """What the order kept of the payment is owed, in the currency in which it came."""
    figures = order.figures(payment)
    if not figures.kept:
        return order
    money = origin(order, figures)
    transaction = payment.transactions[0]
    return order.booked(
        Booking(Entry.release, payment.account, transaction, money, taken=-figures.kept, owed=money.minor)
    )


def _told(order: OrderFacts, effect: Effect) -> Decision:
    return Decision(order, effect, (Event(effect, order),))
