"""Money that comes back: a refund that did not reach the customer, a chargeback that was reversed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...values import Money, Outcome
from .decision import Decision, Telling
from .holding import Holding, meant
from .ledger import Booking
from .order import OrderFacts
from .words import Effect, Entry, OrderState

_UNDOES = {Entry.refund: Entry.refund_failure, Entry.chargeback: Entry.chargeback_reversal}


def undone(telling: Telling) -> Decision:
    """`refund_failed` or `chargeback_reversed`."""
    entry = Entry.refund if telling.message.outcome is Outcome.refund_failed else Entry.chargeback
    if telling.booked(_UNDOES[entry]):
        return telling.repeated()
    return came_back(telling, entry, telling.message.money.minor if telling.message.money else None)


def came_back(telling: Telling, entry: Entry, minor: int | None) -> Decision:
    """So much, or all, of the refund or chargeback that is meant has come back."""
    found = _meant(telling, entry, minor)
    telling = _dispute_is_over(telling) if entry is Entry.chargeback else telling
    if found is None:
        return _unheard(telling, _UNDOES[entry])
    telling = replace(telling, message=replace(telling.message, transaction_id=found.booking.transaction))
    if telling.message.money is None or telling.message.money.currency != found.booking.money.currency:
        minor = None
    minor = min(found.minor, minor or found.minor)
    if entry is Entry.refund:
        return _owed_again(telling, found, minor)
    return _money_back(telling, found, minor)


def _meant(telling: Telling, entry: Entry, minor: int | None) -> Holding | None:
    """Of the payment that it names, else of any of its account."""
    rows = telling.figures.rows if telling.transaction is not None else telling.order.ledger
    bookings = [row for row in rows if row.entry is entry and row.account == telling.account]
    movement = None if telling.message.total else telling.movement
    sum_ = Money(minor, telling.message.money.currency) if minor and telling.message.money else None
    return meant(telling.order, bookings, movement, sum_)


def _dispute_is_over(telling: Telling) -> Telling:
    payment = telling.payment
    if not payment.disputed:
        return telling
    order = telling.order.with_payment(replace(payment, disputed=False, answer_by=None))
    return replace(telling, order=order)


def _unheard(telling: Telling, entry: Entry) -> Decision:
    """No booking has it: a row that moves nothing keeps it, for the movement that it names may be told later."""
    if telling.message.movement is None or telling.booked(entry) or telling.message.total:
        return telling.nothing()
    money = telling.message.money or Money(0, telling.order.total.currency)
    return Decision(telling.order.booked(_row(telling, entry, money)), Effect.none)


def _row(telling: Telling, entry: Entry, money: Money, found: Holding | None = None, **deltas: int) -> Booking:
    return Booking(
        entry,
        telling.account,
        telling.transaction,
        money,
        movement=telling.movement,
        nth=telling.order.names(telling.account, entry, telling.movement),
        of=found.booking.name if found else None,
        at=telling.message.at,
        **deltas,
    )


def _owed_again(telling: Telling, found: Holding, minor: int) -> Decision:
    """What was unmatched, or had left beyond what was there, is undone; the rest is with us, and the customer's."""
    back = _Return.of(telling, found, minor)
    row = _row(
        telling,
        Entry.refund_failure,
        back.money,
        found,
        unmatched=-back.unmatched,
        given_back=-back.lost,
        owed=back.of_owed + back.of_taken,
    )
    return telling.done(telling.order.booked(row), Effect.refund_failed, back.money)


def _money_back(telling: Telling, found: Holding, minor: int) -> Decision:
    """What the chargeback took comes back; what the order does not need (any more) is owed."""
    order, back = telling.order, _Return.of(telling, found, minor)
    needless = order.need <= 0 or order.state is OrderState.cancelled
    row = _row(
        telling,
        Entry.chargeback_reversal,
        back.money,
        found,
        unmatched=-back.unmatched,
        given_back=-back.given_back,
        taken=-(back.given_back - back.lost) if needless else 0,
        owed=back.of_owed + (back.of_taken if needless else 0),
    )
    return telling.done(_state(order.booked(row)), Effect.money_back, back.money)


@dataclass(frozen=True)
class _Return:
    """So much of a booking comes back, in this order: what is unmatched, what it took of the taken, of the owed.

    In minor units of the order's currency: `unmatched`, `given_back`, and `lost`, what of that had left beyond all that
    was taken. In minor units of `money.currency`: `of_taken`, all the rest of `given_back`, and `of_owed`.
    """

    money: Money
    unmatched: int
    given_back: int
    lost: int
    of_taken: int
    of_owed: int

    @classmethod
    def of(cls, telling: Telling, found: Holding, minor: int) -> _Return:
        not_owed = min(minor, found.not_owed)
        unmatched = min(not_owed, found.unmatched)
        given_back = found.worth(not_owed - unmatched)
        lost = min(given_back, telling.figures.lost)
        of_taken = (not_owed - unmatched) * (given_back - lost) // given_back if given_back else 0
        money = Money(minor, found.booking.money.currency)
        return cls(money, unmatched, given_back, lost, of_taken, minor - not_owed)


def _state(order: OrderFacts) -> OrderFacts:
    covered = order.waiting and order.kept and order.need <= 0
    again = order.state is OrderState.refunded and order.kept
    return order.now(OrderState.open) if covered or again else order
