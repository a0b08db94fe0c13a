"""The shop's orders as lists, page by page, and their sums.

Conditions that an index is about are written out in its words, so that the planner sees that it fits, prepared or not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    any_,
    case,
    func,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute

from ..domain.states import OrderState
from ..domain.values import Money, read_id
from ..extensions import db
from .ledger import LedgerRow
from .order import Order
from .payments import Payment

PAGE = 50


@dataclass(frozen=True)
class OrderPage:
    """`after`: where the next page goes on; None on the last."""

    orders: list[Order]
    after: str | None


def newest(shop_id: int, state: OrderState | None, after: str | None, per: int = PAGE) -> OrderPage:
    """Newest first."""
    wanted = select(Order).where(Order.shop_id == shop_id)
    if state is not None:
        wanted = wanted.where(Order.state == state)
    return page_by(Order.created_at, wanted, after, newest_first=True, per=per)


def in_debt(shop_id: int, after: str | None) -> OrderPage:
    """Those of which money is to be given back, the longest unchanged first."""
    return page_by(Order.changed_at, select(Order).where(owing(shop_id)), after)


def part_paid(shop_id: int, after: str | None) -> OrderPage:
    """Those of which a part is paid and the rest is waited for, the longest unchanged first."""
    waits = text("orders.state = 'awaiting_payment' AND orders.kept_minor > 0")
    return page_by(Order.changed_at, select(Order).where(Order.shop_id == shop_id, waits), after)


def awaiting(shop_id: int, since: datetime, after: str | None) -> OrderPage:
    """Those that await payment and of which nothing was told since, the longest silent first."""
    waits = text("orders.state = 'awaiting_payment'")
    wanted = select(Order).where(Order.shop_id == shop_id, waits, Order.changed_at <= since)
    return page_by(Order.changed_at, wanted, after)


UNTOLD_AFTER = timedelta(days=1)


def untold(shop_id: int, now: datetime, after: str | None) -> OrderPage:
    """Those with money given back, for a day by now, of a payment that no gateway has told of."""
    known = (
        select(LedgerRow.order_id)
        .where(LedgerRow.shop_id == shop_id, text("ledger.unmatched <> 0"))
        .group_by(LedgerRow.order_id)
        .having(func.sum(LedgerRow.unmatched) > 0, func.max(LedgerRow.booked_at) <= now - UNTOLD_AFTER)
    )
    return page_by(Order.changed_at, select(Order).where(Order.id.in_(known)), after)


@dataclass(frozen=True)
class Dispute:
    """A payment that is disputed, and its order."""

    payment: Payment
    order: Order


@dataclass(frozen=True)
class DisputePage:
    """`after`: where the next page goes on; None on the last."""

    disputes: list[Dispute]
    after: str | None


# Whose gateway has not said until when comes last.
_NO_DATE = datetime.max.replace(tzinfo=UTC)


def open_disputes(shop_id: int) -> ColumnElement[bool]:
    return and_(Payment.shop_id == shop_id, text("payments.dispute = 'open'"))


def all_disputed(shop_id: int) -> list[Dispute]:
    """Payments that are disputed, the first to be answered first."""
    return [Dispute(payment, order) for payment, order in db.session.execute(_disputes(shop_id))]


def _disputes(shop_id: int) -> Select[Payment, Order]:
    return (
        select(Payment, Order)
        .join(Order, Order.id == Payment.order_id)
        .where(open_disputes(shop_id))
        .order_by(Payment.answer_by.nulls_last(), Payment.order_id, Payment.place)
    )


def disputed(shop_id: int, after: str | None) -> DisputePage:
    """The same, a page at a time."""
    wanted = _disputes(shop_id)
    if (place := _dispute_place(after)) is not None:
        answer_by, *ids = place
        behind = tuple_(Payment.order_id, Payment.place) > tuple_(*ids)
        if answer_by == _NO_DATE:
            wanted = wanted.where(Payment.answer_by.is_(None), behind)
        else:
            later = or_(Payment.answer_by > answer_by, and_(Payment.answer_by == answer_by, behind))
            wanted = wanted.where(or_(later, Payment.answer_by.is_(None)))
    found = [Dispute(payment, order) for payment, order in db.session.execute(wanted.limit(PAGE + 1))]
    last = found[PAGE - 1].payment if len(found) > PAGE else None
    at = (last.answer_by or _NO_DATE).isoformat() if last else ""
    return DisputePage(found[:PAGE], f"{at}~{last.order_id}~{last.place}" if last else None)


def _dispute_place(after: str | None) -> tuple[datetime, int, int] | None:
    at, _, ids = (after or "").partition("~")
    order_id, _, place = ids.partition("~")
    try:
        time, key = datetime.fromisoformat(at), (read_id(order_id), read_id(place))
    except ValueError:
        return None
    if time.tzinfo is None or key[0] is None or key[1] is None:
        return None
    return time, key[0], key[1]


def numbered(shop_id: int, start: str, state: OrderState | None, after: str | None) -> OrderPage:
    """Those whose number starts so, by number."""
    wanted = select(Order).where(
        Order.shop_id == shop_id, Order.number >= start, Order.number.startswith(start, autoescape=True)
    )
    if state is not None:
        wanted = wanted.where(Order.state == state)
    if after:
        wanted = wanted.where(Order.number > after)
    found = list(db.session.scalars(wanted.order_by(Order.number).limit(PAGE + 1)))
    return OrderPage(found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None)


def of_customer(shop_id: int, email: str, state: OrderState | None, after: str | None, per: int = PAGE) -> OrderPage:
    """Those of the customer with that address, newest first."""
    own = and_(Order.customer_email.is_not(None), func.lower(Order.customer_email) == func.lower(email))
    wanted = select(Order).where(Order.shop_id == shop_id, own)
    if state is not None:
        wanted = wanted.where(Order.state == state)
    return page_by(Order.created_at, wanted, after, newest_first=True, per=per)


def found(shop_id: int, q: str, state: OrderState | None, after: str | None) -> OrderPage:
    """By the customer's address, or by how their numbers start."""
    return (of_customer if "@" in q else numbered)(shop_id, q, state, after)


def with_transaction(shop_id: int, id_: str, limit: int) -> list[Order]:
    """Those with a payment that a gateway calls so, newest first."""
    paid = select(Payment.order_id).where(Payment.shop_id == shop_id, Payment.transactions.contains([id_]))
    return list(db.session.scalars(select(Order).where(Order.id.in_(paid)).order_by(Order.id.desc()).limit(limit)))


def page_by(
    time: InstrumentedAttribute[datetime],
    wanted: Select[Order],
    after: str | None,
    newest_first: bool = False,
    per: int = PAGE,
) -> OrderPage:
    """One page in the order of that time, behind the place where the page before ended."""
    key, place = tuple_(time, Order.id), _place(after)
    if place is not None:
        wanted = wanted.where(key < tuple_(*place) if newest_first else key > tuple_(*place))
    columns = (time.desc(), Order.id.desc()) if newest_first else (time, Order.id)
    found = list(db.session.scalars(wanted.order_by(*columns).limit(per + 1)))
    last = found[per - 1] if len(found) > per else None
    return OrderPage(found[:per], f"{getattr(last, time.key).isoformat()}~{last.id}" if last else None)


def _place(after: str | None) -> tuple[datetime, int] | None:
    """None where it is none of ours: then from the start."""
    at, _, text = (after or "").partition("~")
    try:
        time, id_ = datetime.fromisoformat(at), read_id(text)
    except ValueError:
        return None
    return (time, id_) if time.tzinfo is not None and id_ is not None else None


def those(ids: Select[Any]) -> ColumnElement[bool]:
    """Orders by their keys, however many: of a sub-select the planner would rather read every order that there is."""
    return Order.id == any_(func.array(ids.distinct().scalar_subquery()))


def real(of: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """What test orders say is no money."""
    return case((Order.test.is_(False), of))


def sums(
    of: SQLColumnExpression[int], *where: ColumnElement[bool], counted: ColumnElement[int] | None = None
) -> tuple[tuple[Money, ...], int]:
    """Of those orders, per currency; and how many they are, or what else is counted."""
    rows = db.session.execute(
        select(Order.currency, func.sum(of), func.count() if counted is None else counted)
        .where(*where)
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    found = tuple(Money(int(minor), currency) for currency, minor, _ in rows if minor is not None)
    return found, sum(row[2] for row in rows)


def owing(shop_id: int) -> ColumnElement[bool]:
    """Orders of which money is to be given back, in whatever currency."""
    return and_(Order.shop_id == shop_id, text("(orders.owed_minor > 0 OR orders.owed_other <> '{}'::jsonb)"))


def owed_sums(shop_id: int) -> tuple[tuple[Money, ...], int]:
    """What is really to be given back, per currency; and of how many orders, test ones too."""
    own, orders = sums(real(Order.owed_minor), owing(shop_id))
    other = func.jsonb_each_text(Order.owed_other).table_valued("key", "value").render_derived()
    rows = db.session.execute(
        select(other.c.key, func.sum(other.c.value.cast(BigInteger)))
        .select_from(Order)
        .join(other, true())
        .where(owing(shop_id), Order.test.is_(False))
        .group_by(other.c.key)
    )
    found = Counter({money.currency: money.minor for money in own})
    found.update({currency: int(minor) for currency, minor in rows})
    return tuple(Money(minor, currency) for currency, minor in sorted(found.items()) if minor), orders
