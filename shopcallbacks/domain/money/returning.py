"""Money that comes back: a refund that did not reach the customer, a chargeback that was reversed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import CallbackFailed, Reason
from ..states import Effect, Entry, OrderState
from ..values import Money, Outcome
from .decision import Decision, Telling
from .holding import Holding, holding, meant
from .ledger import Booking
from .order import OrderFacts
from .payment import Payment

_UNDOES = {Entry.refund: Entry.refund_failure, Entry.chargeback: Entry.chargeback_reversal}


def undone(telling: Telling) -> Decision:
    """`refund_failed` or `chargeback_reversed`: so much, or all, of what is meant comes back."""
    entry = Entry.refund if telling.message.outcome is Outcome.refund_failed else Entry.chargeback
    if before := telling.bookings(_UNDOES[entry]):
        return telling.nothing() if all(row.void for row in before) else telling.repeated()
    found = meant(telling.order, _candidates(telling, entry), telling.movement, telling.message.money)
    if entry is Entry.chargeback:
        telling = replace(telling, order=_out_of_dispute(telling, found))
    if found is None:
        return _unheard(telling, _UNDOES[entry])
    if telling.message.money is not None and telling.message.money.minor <= 0:
        raise CallbackFailed(Reason.unclear, f"Money that came back, but {telling.message.money}.")
    return _back(telling, found, _so_much(telling, found))


def _out_of_dispute(telling: Telling, found: Holding | None) -> OrderFacts:
    """Of the payment that the message names, else of that whose chargeback it is, else of the only one with money."""
    order, only = telling.order, telling.payments_with_money
    payment: Payment | None = telling.payment
    if telling.transaction is None and found is not None:
        payment = order.payment(telling.account, found.booking.transaction)
    elif telling.transaction is None:
        payment = only[0] if len(only) == 1 else None
    return order.with_payment(payment.out_of_dispute()) if payment is not None else order


def fallen(telling: Telling, entry: Entry, fall: Money) -> Decision:
    """A sum so far has fallen: so much came back of the refund or chargeback of just that sum, else of one that holds
    it, else of the latest ones.
    """
    candidates = _candidates(telling, entry)
    one = meant(telling.order, candidates, None, fall)
    decision = telling.nothing()
    for found, minor in [(one, fall.minor)] if one else _latest(telling.order, candidates, fall):
        decision = _back(telling, found, minor).after(decision.events)
        telling = replace(telling, order=decision.order)
    return decision


def _latest(order: OrderFacts, candidates: list[Booking], fall: Money) -> Iterator[tuple[Holding, int]]:
    """The latest ones that hold the sum together, and how much of each."""
    left = fall.minor
    for booking in reversed(candidates):
        found = holding(order, booking)
        minor = min(left, found.minor) if booking.money.currency == fall.currency else 0
        if minor:
            left -= minor
            yield found, minor


def _candidates(telling: Telling, entry: Entry) -> list[Booking]:
    """Of the payment that the message names, else of any of its account."""
    rows = telling.figures.rows if telling.transaction is not None else telling.order.ledger
    return [row for row in rows if row.entry is entry and row.account == telling.account]


def _so_much(telling: Telling, found: Holding) -> int:
    """Never more than it holds; all of it where the message names no sum in its currency."""
    money = telling.message.money
    if money is None or money.currency != found.booking.money.currency:
        return found.minor
    return min(found.minor, money.minor)


def _unheard(telling: Telling, entry: Entry) -> Decision:
    """No booking has it: a row that moves nothing keeps it, for the movement that it names may be told later."""
    if telling.message.movement is None:
        return Decision(telling.order, Effect.none)
    money = telling.message.money or Money(0, telling.order.total.currency)
    return Decision(telling.order.booked(telling.row(entry, money)), Effect.none)


def _back(telling: Telling, found: Holding, minor: int) -> Decision:
    """Booked under the payment of which it had left."""
    message = replace(telling.message, transaction_id=found.booking.transaction, movement=telling.movement)
    telling = replace(telling, message=message)
    undo = _owed_again if found.booking.entry is Entry.refund else _money_back
    return undo(telling, found, _Return.of(telling, found, minor))


def _owed_again(telling: Telling, found: Holding, back: _Return) -> Decision:
    """What was unmatched, or had left beyond what was there, is undone; the rest is with us, and the customer's."""
    row = replace(
        telling.row(Entry.refund_failure, back.money),
        of=found.booking.name,
        unmatched=-back.unmatched,
        given_back=-back.lost,
        owed=back.of_owed + back.of_taken,
    )
    return telling.done(telling.order.booked(row), Effect.refund_failed, back.money)


def _money_back(telling: Telling, found: Holding, back: _Return) -> Decision:
    """What the chargeback took comes back; what the order does not need (any more) is owed."""
    order = telling.order
    needless = order.need <= 0 or order.state is OrderState.cancelled
    row = replace(
        telling.row(Entry.chargeback_reversal, back.money),
        of=found.booking.name,
        unmatched=-back.unmatched,
        given_back=-back.given_back,
        taken=-(back.given_back - back.lost) if needless else 0,
        owed=back.of_owed + (back.of_taken if needless else 0),
    )
    return telling.done(_with_money_back(order.booked(row)), Effect.money_back, back.money)


def _with_money_back(order: OrderFacts) -> OrderFacts:
    covered = order.waiting and order.need <= 0
    again = order.state is OrderState.refunded
    return order.now(OrderState.open) if order.kept and (covered or again) else order


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
