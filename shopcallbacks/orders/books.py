"""Books: orders in hand. Read in sets, changed only by decisions of the rules, and written back in sets.

**One lock order, for all who move orders**: callbacks (by `Callback.claim` and its like), then orders by id (`opened`),
then what waits on them (`callbacks.waiting`, which skips what others hold), then the names of movements
(`ledger.booked`), and the shops' feeds last (`published`).
Nobody waits for a callback while holding an order, nor for an order while holding a feed, so no two wait in a ring.
All of these locks let others refer to the row (`key_share`): a foreign key is not worth waiting for, and would be a
second order, that of the writing (tests/races/test_lock_order.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_

from ..domain import money
from ..domain.money import Decision, OrderFacts
from ..extensions import db, must_not_stand_still
from ..sets import among, insert_rows, update_rows
from . import ledger
from .feed import Told
from .ledger import LedgerRow, booking_of
from .order import Order, facts_of
from .payments import Payment, moment_of, try_of


@dataclass
class Book:
    """One order in hand. `before`: as it stands in the database, None where it is new; `facts`: as it is now."""

    id: int
    shop_id: int
    created_at: datetime
    before: OrderFacts
    facts: OrderFacts
    told: list[Told] = field(default_factory=list)
    booked_by: list[int | None] = field(default_factory=list)

    def take(
        self, decision: Decision, *, callback_id: int | None = None, actor: str = "", other_waits: bool = False
    ) -> None:
        """The order is as the decision says. `callback_id`: what told of it; `actor`: the person who decided so.

        `other_waits`: another full payment of the order waits for a person, which its events say.
        """
        state = self.facts.state
        self.booked_by += [callback_id] * (len(decision.order.ledger) - len(self.facts.ledger))
        self.facts = decision.order
        for event in decision.events:
            self.told.append(Told(self.shop_id, self.id, event, state, callback_id, actor, other_waits))
            state = event.order.state

    def in_hand(self) -> Book:
        """The same order, to be taken further on its own."""
        return replace(self, told=list(self.told), booked_by=list(self.booked_by))

    @property
    def changed(self) -> bool:
        return self.facts is not self.before and self.facts != self.before


def opened(ids: Iterable[int], *, lock: bool = True) -> dict[int, Book]:
    """The orders by id, with their payments and ledgers; locked one after the other, or only to look at."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    if lock:
        must_not_stand_still()
    orders = db.session.execute(_LOCKED if lock else _ORDERS, {"ids": wanted}).all()
    payments, ledgers = _payments(wanted), _ledgers(wanted)
    return {order.id: _book(order, payments.get(order.id, ()), ledgers.get(order.id, ())) for order in orders}


def opened_one(id_: int) -> Book:
    return opened([id_])[id_]


def just_made(order: Any) -> Book:
    """The row of a new order, which has nothing yet and which nobody else can see."""
    return _book(order, (), ())


def _book(order: Any, payments: Iterable[money.Payment], ledger: Iterable[money.Booking]) -> Book:
    facts = facts_of(order, payments, ledger)
    return Book(order.id, order.shop_id, order.created_at, facts, facts)


_orders, _tries, _rows = Order.__table__, Payment.__table__, LedgerRow.__table__
_ORDERS = select(_orders).where(among(_orders.c.id, "ids")).order_by(_orders.c.id)
_LOCKED = _ORDERS.with_for_update(key_share=True)
_TRIES = select(_tries).where(among(_tries.c.order_id, "ids")).order_by(_tries.c.order_id, _tries.c.place)
_ROWS = select(_rows).where(among(_rows.c.order_id, "ids")).order_by(_rows.c.id)


def _payments(ids: Sequence[int]) -> dict[int, list[money.Payment]]:
    found: dict[int, list[money.Payment]] = {}
    for row in db.session.execute(_TRIES, {"ids": ids}):
        found.setdefault(row.order_id, []).append(try_of(row))
    return found


def _ledgers(ids: Sequence[int]) -> dict[int, list[money.Booking]]:
    found: dict[int, list[money.Booking]] = {}
    for row in db.session.execute(_ROWS, {"ids": ids}):
        found.setdefault(row.order_id, []).append(booking_of(row))
    return found


def written(books: Iterable[Book], now: datetime) -> None:
    """What changed of them, in few statements; all but what is to be told (`feed.published`)."""
    changed = sorted((book for book in books if book.changed), key=lambda book: book.id)
    update_rows(db.session, Order, [row_of(book, now) for book in changed])
    ledger.booked([row for book in changed for row in _ledger_rows(book, now)])
    _write_payments([book for book in changed if book.facts.payments != book.before.payments])


def row_of(book: Book, now: datetime) -> dict[str, Any]:
    """The columns that can change."""
    facts = book.facts
    return {
        "id": book.id,
        "state": facts.state,
        "cancelled_by": facts.cancelled_by,
        "amount_minor": facts.total.minor,
        "currency": facts.total.currency,
        "test": facts.test,
        "account_id": facts.account,
        "customer_email": facts.email,
        "expires_at": facts.expires_at,
        "held_since": facts.held_since,
        "taken_minor": facts.taken,
        "given_back_minor": facts.given_back,
        "kept_minor": facts.kept,
        "waived_minor": facts.waived,
        "owed_minor": facts.owed.get(facts.total.currency, 0),
        "owed_other": {of: minor for of, minor in facts.owed.items() if of != facts.total.currency},
        "changed_at": now,
    }


def _ledger_rows(book: Book, now: datetime) -> Iterable[dict[str, Any]]:
    new = book.facts.ledger[len(book.before.ledger) :]
    for row, callback_id in zip(new, book.booked_by, strict=True):
        yield {
            "shop_id": book.shop_id,
            "order_id": book.id,
            "account_id": row.account,
            "entry": row.entry,
            "transaction_id": row.transaction,
            "minor": row.money.minor,
            "currency": row.money.currency,
            "movement": row.movement,
            "nth": row.nth,
            "of_entry": row.of.entry if row.of else None,
            "of_movement": row.of.movement if row.of else None,
            "of_nth": row.of.nth if row.of else None,
            "at": row.at,
            "came_in": row.came_in,
            "taken": row.taken,
            "given_back": row.given_back,
            "unmatched": row.unmatched,
            "waived": row.waived,
            "owed": row.owed,
            "settled": row.settled,
            "callback_id": callback_id,
            "booked_at": now,
        }


def _write_payments(books: Sequence[Book]) -> None:
    """Each at its place; where two were joined into one, the places behind the last are empty again."""
    rows = [_payment_row(book, place) for book in books for place in range(len(book.facts.payments))]
    kept = ("order_id", "place", "shop_id")
    sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in rows[0] if name not in kept) if rows else ""
    insert_rows(db.session, Payment, rows, else_=f"(order_id, place) DO UPDATE SET {sets}")
    empty = [(book.id, place) for book in books for place in range(len(book.facts.payments), len(book.before.payments))]
    if empty:
        gone = delete(Payment).where(tuple_(Payment.order_id, Payment.place).in_(empty))
        db.session.execute(gone, execution_options={"synchronize_session": False})


def _payment_row(book: Book, place: int) -> dict[str, Any]:
    payment = book.facts.payments[place]
    answer_by, by_day = moment_of(payment.answer_by)
    return {
        "order_id": book.id,
        "place": place,
        "shop_id": book.shop_id,
        "account_id": payment.account,
        "transactions": list(payment.transactions),
        "life": payment.life,
        "booked": book.facts.figures(payment).booked,
        "began_at": payment.began_at,
        "ended_at": payment.ended_at,
        "heard_at": payment.heard_at,
        "dispute": payment.dispute,
        "answer_by": answer_by,
        "by_day": by_day,
    }
