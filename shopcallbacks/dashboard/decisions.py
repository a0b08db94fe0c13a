"""Payments that no order takes: how many wait for a person's ruling, and what is owed back to customers.

Both read a partial index, of the queue and of the orders that owe, so they cost the same however long the history is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from ..callbacks.callback import Callback
from ..domain.values import Money
from ..extensions import db
from ..orders.lists import owing, sums
from ..orders.order import Order
from .queue import needs_a_person


def undecided(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Money came in, its order does not take it, and nobody has said yet what is to become of it."""
    return and_(needs_a_person(shop_id, now), Callback.to_decide)


@dataclass(frozen=True)
class Open:
    """What is open of a shop: payments to decide on, and debts. Each sum is per currency."""

    payments: int
    oldest: datetime | None
    stakes: tuple[Money, ...]
    debts: int
    owed: tuple[Money, ...]

    def __bool__(self) -> bool:
        return bool(self.payments or self.debts)


def still_open(shop_id: int, now: datetime) -> Open:
    waiting = undecided(shop_id, now)
    payments, oldest = db.session.execute(select(func.count(), func.min(Callback.received_at)).where(waiting)).one()
    stakes, _ = sums(Order.amount_minor, Order.id.in_(select(Callback.order_id).where(waiting)))
    owed, debts = sums(Order.owed_minor, owing(shop_id))
    return Open(payments, oldest, stakes, debts, owed)
