"""What the database knows by the names that a batch's messages bring, and so: which order each is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..callbacks.due import Due
from ..domain.money import ENTRIES, Holder, ids_of, movement_of, order_of
from ..domain.values import Message
from ..look import Look
from ..orders import look_ups
from ..orders.books import Book
from ..orders.look_ups import Movement
from ..orders.order import Order

Told = tuple[Due, Message]


class Names:
    """Orders by number, orders that have a payment by its ids, and bookings by their movement.

    Looked up for many messages at once; what is decided meanwhile is noted.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._numbers: dict[tuple[int, str], int] = {}
        self._holders: dict[tuple[int, str], dict[int, Holder]] = {}
        self._movements: dict[Movement, dict[int, int | None]] = {}

    def look_up(self, told: Iterable[Told]) -> None:
        """The orders of these messages, as far as they are not known yet."""
        told = list(told)
        numbers = {(due.shop_id, m.order_number) for due, m in told if m.order_number} - self._numbers.keys()
        self._numbers |= self._look(Order.ids_by_number, frozenset(numbers))
        ids = {(due.account_id, id_) for due, message in told for id_ in ids_of(message)} - self._holders.keys()
        for key, holders in self._look(look_ups.holders, frozenset(ids)).items():
            self._holders.setdefault(key, {}).update(holders)

    def look_up_bookings(self, told: Iterable[Told]) -> None:
        """Where the money of these messages is booked already."""
        movements = {movement for due, m in told if (movement := _movement(due, m))} - self._movements.keys()
        for movement, booked in self._look(look_ups.movements, frozenset(movements)).items():
            self._movements.setdefault(movement, {}).update(booked)

    def note(self, book: Book) -> None:
        """The order as it is now, for whoever asks by its number or the names of its payments."""
        for payment in book.facts.payments:
            holder = Holder.of(book.id, book.facts, payment)
            for id_ in payment.transactions:
                if id_ is not None:
                    self._holders.setdefault((payment.account, id_), {})[book.id] = holder
        self._numbers[book.shop_id, book.facts.number] = book.id

    def note_booked(self, book: Book, since: int, callback_id: int) -> None:
        """What the callback booked on the order, behind so many rows of its ledger."""
        for row in book.facts.ledger[since:]:
            if row.movement is not None:
                self._movements.setdefault((row.account, row.entry, row.movement), {})[book.id] = callback_id

    def learn(self, other: Names) -> None:
        """What the other one knows of movements."""
        self._movements.update(other._movements)

    def orders_for(self, due: Due, message: Message) -> Iterator[int]:
        """Every order that the message may be about."""
        number = self._by_number(due, message)
        if number is not None:
            yield number
        for id_ in ids_of(message):
            yield from self._holders.get((due.account_id, id_), ())

    def order_of(self, due: Due, message: Message) -> int | None:
        """The order that the message is about; the one that a person assigned it to, if one did."""
        if due.assigned_id is not None:
            return due.assigned_id
        known_by = (self._holders.get((due.account_id, id_), {}) for id_ in ids_of(message))
        holders = (holder for by_order in known_by for holder in by_order.values())
        return order_of(message, self._by_number(due, message), holders)

    def _by_number(self, due: Due, message: Message) -> int | None:
        if due.assigned_id is not None:
            return due.assigned_id
        return self._numbers.get((due.shop_id, message.order_number)) if message.order_number else None

    def booked_elsewhere(self, due: Due, message: Message, order_id: int) -> bool:
        """Whether its movement is booked on another order."""
        movement = _movement(due, message)
        return movement is not None and any(id_ != order_id for id_ in self._movements.get(movement, ()))

    def first_told(self, due: Due, message: Message, order_id: int) -> int | None:
        """The callback that told of its movement first."""
        movement = _movement(due, message)
        return self._movements.get(movement, {}).get(order_id) if movement is not None else None


def now_found(lost: Iterable[Told], look: Look) -> list[int]:
    """The callbacks among these, which did not find their order, that would find it now."""
    lost = list(lost)
    names = Names(look)
    names.look_up(lost)
    return sorted({due.id for due, message in lost if names.order_of(due, message) is not None})


def _movement(due: Due, message: Message) -> Movement | None:
    entry = ENTRIES.get(message.outcome)
    return (due.account_id, entry, movement_of(message)) if entry is not None else None
