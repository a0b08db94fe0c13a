"""THE TRANSITION TABLE: what a message does to an order. Pure values in, a decision out.

Gateways repeat themselves, come late and out of order. That is normal and stands in the table like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from .errors import CallbackFailed, Reason
from .values import Message, Money, Outcome


class OrderState(StrEnum):
    temporary = "temporary"
    awaiting_payment = "awaiting_payment"
    open = "open"
    cancelled = "cancelled"
    refunded = "refunded"


class Effect(StrEnum):
    """What a message did."""

    opened = "opened"
    awaiting = "awaiting"
    cancelled = "cancelled"
    refunded = "refunded"
    partly_refunded = "partly_refunded"
    recorded = "recorded"  # a refund booked on an order that holds no money (yet)
    repeated = "repeated"  # the same movement of money was booked before
    none = "none"


class Step(StrEnum):
    opens = "opens"
    awaits = "awaits"
    cancels = "cancels"
    cancels_own = "cancels unless the order waits for another transaction"
    refunds = "refunds"
    stays = "stays"
    conflicts = "conflicts"
    conflicts_own = "conflicts where the failure is of the payment itself"


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

_CONFLICTS = {
    S.open: "Paid, but the order is paid already, by another payment",
    S.cancelled: "Paid, but the order is cancelled",
    S.refunded: "Paid, but the order is refunded",
}


class Entry(StrEnum):
    payment = "payment"
    refund = "refund"


@dataclass(frozen=True)
class Booked:
    """A row of the ledger, as far as the table cares."""

    entry: Entry
    movement: str
    transaction_id: str | None
    minor: int


@dataclass(frozen=True)
class OrderFacts:
    """What the table needs to know of an order."""

    number: str
    state: OrderState
    total: Money
    test: bool = False
    awaited: str | None = None  # the transaction whose `pending` made it wait
    ledger: tuple[Booked, ...] = ()

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


def decide(order: OrderFacts, message: Message) -> Decision:
    """What the message does to the order; `CallbackFailed` with the reason where a person must decide."""
    _check_test(order, message)
    _check_money(order, message)
    movement = movement_of(message)
    if message.outcome is Outcome.paid and order.has(Entry.payment, movement):
        return Decision(order.state, Effect.repeated)
    if message.outcome is Outcome.refunded and order.has(Entry.refund, movement):
        return Decision(order.state, Effect.repeated)
    match TABLE[order.state, message.outcome]:
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
        case Step.conflicts:
            raise CallbackFailed(Reason.order_conflict, f"{_CONFLICTS[order.state]}.")
        case Step.conflicts_own:
            return _conflict_own(order, message)
        case _:
            return Decision(order.state, Effect.none)


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
    money = message.money or order.total  # a gateway that names no sum speaks of the order's own
    booked = Booked(Entry.payment, movement, message.transaction_id, money.minor)
    if order.sum_of(Entry.refund) >= money.minor > 0:
        return Decision(OrderState.refunded, Effect.refunded, booked)  # the refund had come first
    return Decision(OrderState.open, Effect.opened, booked)


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
    if order.state is not OrderState.open:
        return Decision(order.state, Effect.recorded, booked)
    if refunded >= paid:
        return Decision(OrderState.refunded, Effect.refunded, booked)
    return Decision(OrderState.open, Effect.partly_refunded, booked)
