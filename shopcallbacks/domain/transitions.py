"""THE TRANSITION TABLE: what a message does to an order. Pure values in, a decision out.

Gateways repeat themselves, come late and out of order. That is normal and stands in the table like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from .errors import CallbackFailed, Reason
from .states import PAID_BUT, Effect, Entry, OrderState, Ruling
from .values import Message, Money, Outcome


class Step(StrEnum):
    opens = "opens"
    awaits = "awaits"
    cancels = "cancels"
    cancels_own = "cancels unless the order waits for another transaction"
    refunds = "refunds"
    stays = "stays"
    conflicts = "conflicts"
    conflicts_own = "conflicts where the failure is of the payment itself"
    reopens = "reopens"
    owes = "owes the payment back"


S = OrderState
TABLE: dict[tuple[OrderState, Outcome], Step] = {
    (S.temporary, Outcome.paid): Step.opens,
    (S.temporary, Outcome.pending): Step.awaits,
    (S.temporary, Outcome.failed): Step.cancels,
    (S.temporary, Outcome.cancelled): Step.cancels,
    (S.temporary, Outcome.refunded): Step.refunds,  # the refund was faster than the payment's own callback
    (S.awaiting_payment, Outcome.paid): Step.opens,
    (S.awaiting_payment, Outcome.pending): Step.stays,
    (S.awaiting_payment, Outcome.failed): Step.cancels_own,
    (S.awaiting_payment, Outcome.cancelled): Step.cancels_own,
    (S.awaiting_payment, Outcome.refunded): Step.refunds,
    (S.open, Outcome.paid): Step.conflicts,  # a second payment; the same payment again never gets here
    (S.open, Outcome.pending): Step.stays,  # late
    (S.open, Outcome.failed): Step.conflicts_own,
    (S.open, Outcome.cancelled): Step.conflicts_own,
    (S.open, Outcome.refunded): Step.refunds,
    (S.cancelled, Outcome.paid): Step.conflicts,  # money came in for an order that is gone: a person decides
    (S.cancelled, Outcome.pending): Step.stays,  # late
    (S.cancelled, Outcome.failed): Step.stays,
    (S.cancelled, Outcome.cancelled): Step.stays,
    (S.cancelled, Outcome.refunded): Step.refunds,  # what came in for the cancelled order was given back
    (S.refunded, Outcome.paid): Step.conflicts,
    (S.refunded, Outcome.pending): Step.stays,
    (S.refunded, Outcome.failed): Step.stays,
    (S.refunded, Outcome.cancelled): Step.stays,
    (S.refunded, Outcome.refunded): Step.refunds,  # more than all of it: refused below
}
# Where a person's ruling stands in for the table's conflict. It changes nothing else: amount, currency, account and
# mode are compared as ever, and a cell that is not here stays a conflict (an open order can't be opened once more).
RULED: dict[tuple[OrderState, Ruling], Step] = {
    (S.open, Ruling.owe): Step.owes,
    (S.cancelled, Ruling.reopen): Step.reopens,
    (S.cancelled, Ruling.owe): Step.owes,
    (S.refunded, Ruling.reopen): Step.reopens,
    (S.refunded, Ruling.owe): Step.owes,
}
_CONFLICTS = {
    S.open: f"{PAID_BUT} the order is paid already, by another payment",
    S.cancelled: f"{PAID_BUT} the order is cancelled",
    S.refunded: f"{PAID_BUT} the order is refunded",
}


@dataclass(frozen=True)
class Booked:
    """A row of the ledger, as far as the table cares. `owed`: a payment that the order did not take."""

    entry: Entry
    movement: str
    transaction_id: str | None
    minor: int
    owed: bool = False


@dataclass(frozen=True)
class OrderFacts:
    """What the table needs to know of an order. `settled`: owed money that a person said was given back."""

    number: str
    state: OrderState
    total: Money
    test: bool = False
    awaited: str | None = None  # the transaction whose `pending` made it wait
    ledger: tuple[Booked, ...] = ()
    settled: int = 0

    @property
    def not_taken(self) -> int:
        """All that ever came in and that the order did not take."""
        return sum(row.minor for row in self.ledger if row.owed)

    @property
    def owed(self) -> int:
        """What of it is still to be given back. A refund of a payment that the order took does not count."""
        taken = self.transactions(owed=False)
        refunds = (row for row in self.ledger if row.entry is Entry.refund and row.transaction_id not in taken)
        return max(self.not_taken - max(sum(row.minor for row in refunds), self.settled), 0)

    def transactions(self, owed: bool) -> set[str]:
        """Those whose payments the order took, or did not take."""
        payments = (row for row in self.ledger if row.entry is Entry.payment and row.owed is owed)
        return {row.transaction_id for row in payments if row.transaction_id}

    def sum_of(self, entry: Entry, transaction_id: str | None = None) -> int:
        return sum(
            row.minor
            for row in self.ledger
            if row.entry is entry and (transaction_id is None or row.transaction_id == transaction_id)
        )

    def has(self, entry: Entry, movement: str) -> bool:
        return any(row.entry is entry and row.movement == movement for row in self.ledger)

    def after(self, decision: Decision) -> OrderFacts:
        """The order once the decision is made so."""
        return replace(
            self,
            state=decision.state,
            awaited=decision.awaited if decision.effect is Effect.awaiting else self.awaited,
            ledger=(*self.ledger, decision.book) if decision.book else self.ledger,
        )


@dataclass(frozen=True)
class Decision:
    """The order's next state, what happened, and what to book."""

    state: OrderState
    effect: Effect
    book: Booked | None = None
    awaited: str | None = field(default=None)


def movement_of(message: Message) -> str:
    """The name of the movement of money a `paid` or `refunded` message is about."""
    return message.movement or message.transaction_id or message.event_id or f"order {message.order_number}"


def decide(order: OrderFacts, message: Message, ruling: Ruling | None = None) -> Decision:
    """What the message does to the order; `CallbackFailed` with the reason where a person must decide, and has not."""
    _check_test(order, message)
    _check_money(order, message)
    movement = movement_of(message)
    if message.outcome is Outcome.paid and order.has(Entry.payment, movement):
        return Decision(order.state, Effect.repeated)
    if message.outcome is Outcome.refunded and order.has(Entry.refund, movement):
        return Decision(order.state, Effect.repeated)
    match _step(order.state, message.outcome, ruling):
        case Step.opens:
            return _open(order, message, movement)
        case Step.awaits:
            return Decision(OrderState.awaiting_payment, Effect.awaiting, awaited=message.transaction_id)
        case Step.cancels:
            return Decision(OrderState.cancelled, Effect.cancelled)
        case Step.cancels_own:
            return _cancel_own(order, message)
        case Step.refunds:
            return _refund(order, message, movement)
        case Step.reopens:
            return _reopen(order, message, movement)
        case Step.owes:
            return Decision(order.state, Effect.owed, _payment(order, message, movement, owed=True))
        case Step.conflicts:
            raise CallbackFailed(Reason.order_conflict, f"{_CONFLICTS[order.state]}.")
        case Step.conflicts_own:
            return _conflict_own(order, message)
        case _:
            return Decision(order.state, Effect.none)


def _step(state: OrderState, outcome: Outcome, ruling: Ruling | None) -> Step:
    step = TABLE[state, outcome]
    return RULED.get((state, ruling), step) if ruling and step is Step.conflicts else step


def _check_test(order: OrderFacts, message: Message) -> None:
    if message.test is not None and message.test != order.test:
        this, other = ("a test", "a live") if message.test else ("a live", "a test")
        raise CallbackFailed(Reason.order_conflict, f"This is {this} callback, and the order is {other} order.")


def _check_money(order: OrderFacts, message: Message) -> None:
    """Amount and currency agree with the order. Of a failure only where it names a sum at all."""
    money = message.money
    if money is None or (money.minor == 0 and message.outcome in (Outcome.failed, Outcome.cancelled)):
        return
    if money.currency != order.total.currency:
        raise CallbackFailed(Reason.currency_mismatch, f"order in {order.total.currency}, callback in {money.currency}")
    if message.outcome is Outcome.refunded:
        return  # a part may be refunded; checked against what is left
    enough = money.minor >= order.total.minor if message.at_least else money.minor == order.total.minor
    if not enough:
        raise CallbackFailed(Reason.amount_mismatch, f"order {order.total}, callback {money}")


def _open(order: OrderFacts, message: Message, movement: str) -> Decision:
    booked = _payment(order, message, movement)
    if order.sum_of(Entry.refund) >= order.sum_of(Entry.payment) + booked.minor > 0:
        return Decision(OrderState.refunded, Effect.refunded, booked)  # the refund had come first
    return Decision(OrderState.open, Effect.opened, booked)


def _reopen(order: OrderFacts, message: Message, movement: str) -> Decision:
    opened = _open(order, message, movement)
    return replace(opened, effect=Effect.reopened) if opened.state is OrderState.open else opened


def _payment(order: OrderFacts, message: Message, movement: str, owed: bool = False) -> Booked:
    money = message.money or order.total  # a gateway that names no sum speaks of the order's own
    return Booked(Entry.payment, movement, message.transaction_id, money.minor, owed)


def _cancel_own(order: OrderFacts, message: Message) -> Decision:
    if order.awaited and message.transaction_id and order.awaited != message.transaction_id:
        return Decision(order.state, Effect.none)  # an earlier try failed; the order waits for another
    return Decision(OrderState.cancelled, Effect.cancelled)


def _conflict_own(order: OrderFacts, message: Message) -> Decision:
    if message.transaction_id is not None and any(
        row.entry is Entry.payment and row.transaction_id == message.transaction_id for row in order.ledger
    ):
        raise CallbackFailed(
            Reason.order_conflict,
            f"The payment that opened the order is now said to have {message.outcome}."
            if message.outcome is Outcome.failed
            else "The payment that opened the order is now said to be cancelled.",
        )
    return Decision(order.state, Effect.none)  # another try than the one that paid


def _refund(order: OrderFacts, message: Message, movement: str) -> Decision:
    if message.money is None:
        raise CallbackFailed(Reason.unclear, "A refund, but of how much can't be read.")
    minor = message.money.minor
    if message.total:
        minor -= order.sum_of(Entry.refund, message.transaction_id)
        if minor <= 0:
            return Decision(order.state, Effect.repeated)
    if minor <= 0:
        raise CallbackFailed(Reason.unclear, f"A refund of {message.money}.")
    refunded = order.sum_of(Entry.refund) + minor
    paid = order.sum_of(Entry.payment)
    if refunded > max(paid, order.total.minor):
        raise CallbackFailed(
            Reason.amount_mismatch, f"refund of {message.money}, more than is left of the order's {order.total}"
        )
    booked = Booked(Entry.refund, movement, message.transaction_id, minor)
    owed = order.transactions(owed=True)
    if order.state is not OrderState.open or message.transaction_id in owed:
        return Decision(order.state, Effect.recorded, booked)
    given_back_of_owed = sum(order.sum_of(Entry.refund, transaction_id) for transaction_id in owed)
    if refunded - given_back_of_owed >= paid - order.not_taken:
        return Decision(OrderState.refunded, Effect.refunded, booked)
    return Decision(OrderState.open, Effect.partly_refunded, booked)
