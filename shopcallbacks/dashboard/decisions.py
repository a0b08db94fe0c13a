"""Money that waits for a person: payments to decide on, what is owed back to customers, and disputes to answer.

Each reads a partial index, of the queue, of the orders that owe and of what is disputed, so they cost the same however
long the history is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select

from ..callbacks.callback import Callback
from ..domain.values import Money
from ..extensions import db
from ..orders.lists import OrderPage, open_disputes, owed_sums, page_by, real, sums, those
from ..orders.order import Order
from ..orders.payments import Payment
from .queue import needs_a_person


def undecided(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Money came in, its order does not take it, and nobody has said yet what is to become of it."""
    return and_(needs_a_person(shop_id, now), Callback.to_decide)


def to_decide(shop_id: int, now: datetime, after: str | None) -> OrderPage:
    """Orders with callbacks to decide on, the longest unchanged first."""
    waiting = select(Callback.order_id).where(undecided(shop_id, now))
    return page_by(Order.changed_at, select(Order).where(Order.id.in_(waiting)), after)


# So long before its answer is due a dispute is told of.
DUE_WITHIN = timedelta(days=3)


@dataclass(frozen=True)
class Disputes:
    """Those that are open: how many, how many of them are to be answered within `DUE_WITHIN`, and until when the first
    of all: a moment, or a day where the gateway names no more.
    """

    count: int
    due: int
    first: datetime | date | None


def disputes(shop_id: int, now: datetime) -> Disputes:
    soon = func.count().filter(Payment.answer_by <= now + DUE_WITHIN)
    count, due = db.session.execute(select(func.count(), soon).select_from(Payment).where(open_disputes(shop_id))).one()
    return Disputes(count, due, _first_answer(shop_id) if count else None)


def _first_answer(shop_id: int) -> datetime | date | None:
    told = select(Payment).where(open_disputes(shop_id), Payment.answer_by.is_not(None))
    first = db.session.scalar(told.order_by(Payment.answer_by).limit(1))
    return first.facts.answer_by if first is not None else None


@dataclass(frozen=True)
class Open:
    """What is open of a shop: payments to decide on, debts and disputes. Each sum is per currency."""

    payments: int
    oldest: datetime | None
    stakes: tuple[Money, ...]
    debts: int
    owed: tuple[Money, ...]
    disputes: Disputes

    def __bool__(self) -> bool:
        return bool(self.payments or self.debts or self.disputes.count)


def still_open(shop_id: int, now: datetime) -> Open:
    waiting = undecided(shop_id, now)
    payments, oldest = db.session.execute(select(func.count(), func.min(Callback.received_at)).where(waiting)).one()
    about = those(select(Callback.order_id).where(waiting))
    stakes = sums(real(Order.amount_minor), about)[0] if payments else ()
    owed, debts = owed_sums(shop_id)
    return Open(payments, oldest, stakes, debts, owed, disputes(shop_id, now))
