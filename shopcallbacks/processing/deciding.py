"""The desk: what a batch needs from the database to be decided, and the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..callbacks.attempts import KeptMessage
from ..callbacks.callback import Callback
from ..domain.errors import CallbackFailed, Reason
from ..domain.states import Effect, Entry, Ruling
from ..domain.transitions import Booked, OrderFacts, decide, movement_of
from ..domain.values import Message, Outcome, Verification
from ..extensions import utcnow
from ..orders.ledger import Payment
from ..orders.order import Order
from .examining import Finding

Found = Sequence[tuple[Callback, Finding]]


@dataclass
class Result:
    """What came of one message: an effect, or the reason why there is none."""

    message: Message
    order_id: int | None = None
    effect: Effect | None = None
    failure: CallbackFailed | None = None
    repeats_id: int | None = None


@dataclass
class Desk:
    """All that a batch needs from the database to be decided: its orders, locked, and what was known before.

    `dry`: for a preview. Orders are read, not locked, and stay as they are; what they would have become is kept in
    `foreseen`, so that later callbacks are decided on it.
    """

    orders: dict[int, Order] = field(default_factory=dict)
    by_number: dict[tuple[int, str], int] = field(default_factory=dict)
    by_transaction: dict[tuple[int, str], int] = field(default_factory=dict)
    by_movement: dict[Entry, dict[tuple[int, str], int]] = field(default_factory=dict)
    events: dict[tuple[int, str], tuple[int, bytes, Message]] = field(default_factory=dict)
    deliveries: dict[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)
    dry: bool = False
    foreseen: dict[int, OrderFacts] = field(default_factory=dict)

    @classmethod
    def prepare(cls, found: Found) -> Desk:
        desk = cls._knowing(found)
        desk.orders = Order.lock(desk._order_ids(found))
        return desk

    @classmethod
    def rehearse(cls, found: Found, before: Desk | None = None) -> Desk:
        """A dry one; `before` the dry one of the batch before, whose decisions hold here as if they had been made."""
        desk = cls._knowing(found)
        desk.dry = True
        if before is not None:
            desk.by_transaction |= before.by_transaction
            desk.events |= before.events
            desk.deliveries |= before.deliveries
            desk.foreseen = before.foreseen
            for entry, known in before.by_movement.items():
                desk.by_movement[entry] |= known
        desk.orders = Order.read(desk._order_ids(found))
        return desk

    @classmethod
    def _knowing(cls, found: Found) -> Desk:
        """What was known before the batch, all but the orders."""
        said = [(callback, message) for callback, finding in found for message in finding.messages]
        vouched = [(c, f) for c, f in found if f.failure is None]
        desk = cls(
            by_number=Order.ids_by_number((c.shop_id, m.order_number) for c, m in said if m.order_number),
            by_transaction=Payment.orders_of_transactions(
                (c.account_id, m.transaction_id) for c, m in said if m.transaction_id
            ),
            events=KeptMessage.known((c.account_id, m.event_id) for c, f in vouched for m in f.messages if m.event_id),
            deliveries=Callback.known_deliveries(
                (c.account_id, f.verification.delivery_id)
                for c, f in vouched
                if f.verification and f.verification.delivery_id
            ),
        )
        for entry, outcome in ((Entry.payment, Outcome.paid), (Entry.refund, Outcome.refunded)):
            desk.by_movement[entry] = Payment.orders_of_movements(
                entry, ((c.account_id, movement_of(m)) for c, m in said if m.outcome is outcome)
            )
        return desk

    def _order_ids(self, found: Found) -> set[int]:
        ids = (self.order_id(callback, message) for callback, finding in found for message in finding.messages)
        return {order_id for order_id in ids if order_id is not None}

    def order_id(self, callback: Callback, message: Message) -> int | None:
        """By number, and where the message brings none that is known, by a transaction already in the ledger."""
        found = self.by_number.get((callback.shop_id, message.order_number)) if message.order_number else None
        if found is None and message.transaction_id:
            found = self.by_transaction.get((callback.account_id, message.transaction_id))
        return found

    def results(self, callback: Callback, finding: Finding) -> list[Result]:
        """What comes of each message."""
        if finding.failure is None:
            finding.failure = self._forged_delivery(callback, finding)
        kept = {message.place: message for message in callback.messages if message.applied_at is not None}
        results = []
        for place, message in enumerate(finding.messages):
            result = Result(message, self.order_id(callback, message))
            if finding.failure is None:
                if place in kept:  # a retry repeats only what is not applied
                    result.effect, result.order_id = kept[place].effect, kept[place].order_id
                else:
                    self._settle(callback, result, finding.case.ruling)
            results.append(result)
        return results

    def _forged_delivery(self, callback: Callback, finding: Finding) -> CallbackFailed | None:
        """The same delivery with another body can't be genuine, whatever its signature says."""
        delivery = finding.verification.delivery_id if finding.verification else None
        if not delivery:
            return None
        first_id, digest = self.deliveries.setdefault((callback.account_id, delivery), (callback.id, callback.digest))
        if digest == callback.digest:
            return None
        finding.verification = Verification.not_genuine(
            f"The delivery {delivery} came before with another body (callback {first_id})."
        )
        return CallbackFailed(Reason.not_genuine, finding.verification.detail)

    def _settle(self, callback: Callback, result: Result, ruling: Ruling | None) -> None:
        try:
            result.effect = self._decide(callback, result, ruling)
        except CallbackFailed as failure:
            result.failure = failure

    def _decide(self, callback: Callback, result: Result, ruling: Ruling | None) -> Effect:
        message = result.message
        if message.outcome is Outcome.ignored:
            return Effect.none
        if message.outcome is Outcome.unclear:
            raise CallbackFailed(Reason.unreadable if message.unreadable else Reason.unclear, message.detail)
        self._check_event(callback, message)
        order = self.orders.get(result.order_id) if result.order_id is not None else None
        if order is None:
            known = f"there is no order {message.order_number}" if message.order_number else "it names no order we know"
            raise CallbackFailed(Reason.order_not_found, known)
        if order.account_id is not None and order.account_id != callback.account_id:
            raise CallbackFailed(Reason.order_conflict, "The order was to be paid by another gateway account.")
        self._check_movement(callback, order, message)
        facts = self.foreseen.get(order.id) or order.facts
        decision = decide(facts, message, ruling)
        if decision.effect is Effect.repeated:
            result.repeats_id = _booked_by(order, message)
        if self.dry:
            self.foreseen[order.id] = facts.after(decision)
        else:
            actor = callback.asked_by.name if ruling and callback.asked_by else ""
            order.take(decision, callback.id, callback.account_id, utcnow(), actor)
        self._note(callback, order.id, decision.book)
        return decision.effect

    def _note(self, callback: Callback, order_id: int, book: Booked | None) -> None:
        """What was booked is known to the callbacks behind this one."""
        if book is None:
            return
        self.by_movement[book.entry][callback.account_id, book.movement] = order_id
        if book.transaction_id:
            self.by_transaction.setdefault((callback.account_id, book.transaction_id), order_id)

    def _check_event(self, callback: Callback, message: Message) -> None:
        """The same event with another body that says something else is for a person."""
        if message.event_id is None:
            return
        key = (callback.account_id, message.event_id)
        first_id, digest, before = self.events.setdefault(key, (callback.id, callback.digest, message))
        if digest != callback.digest and _meaning(before) != _meaning(message):
            raise CallbackFailed(
                Reason.unclear,
                f"Suspicious: the event {message.event_id} came before and said something else (callback {first_id}).",
            )

    def _check_movement(self, callback: Callback, order: Order, message: Message) -> None:
        entry = {Outcome.paid: Entry.payment, Outcome.refunded: Entry.refund}.get(message.outcome)
        if entry is None:
            return
        other = self.by_movement[entry].get((callback.account_id, movement_of(message)))
        if other is not None and other != order.id:
            raise CallbackFailed(Reason.order_conflict, f"This {entry} was booked on another order already.")


def _meaning(message: Message) -> tuple[object, ...]:
    return message.outcome, message.order_number, message.transaction_id, message.money


def _booked_by(order: Order, message: Message) -> int | None:
    """The callback that told of the movement first."""
    movement = movement_of(message)
    return next((row.callback_id for row in order.ledger if row.movement == movement), None)
