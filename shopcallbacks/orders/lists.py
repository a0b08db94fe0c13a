"""The shop's orders as lists, page by page, and their sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from ..domain.states import OrderState
from ..domain.values import Money, read_id
from ..extensions import db
from .order import Order

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


def sums(
    of: InstrumentedAttribute[int], *where: ColumnElement[bool], counted: ColumnElement[int] | None = None
) -> tuple[tuple[Money, ...], int]:
    """Of those orders, per currency; and how many they are, or what else is counted."""
    rows = db.session.execute(
        select(Order.currency, func.sum(of), func.count() if counted is None else counted)
        .where(*where)
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    return tuple(Money(int(minor), currency) for currency, minor, _ in rows), sum(row[2] for row in rows)


def owing(shop_id: int) -> ColumnElement[bool]:
    """Orders of which money is to be given back."""
    return and_(Order.shop_id == shop_id, Order.owed_minor > 0)
