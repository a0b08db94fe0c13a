"""The shop's orders as a list, and the callbacks about one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, tuple_

from ..domain.states import OrderState
from ..extensions import db
from .order import Order

PAGE = 50


@dataclass(frozen=True)
class OrderPage:
    """`after`: where the next page goes on; None on the last."""

    orders: list[Order]
    after: str | None


def newest(shop_id: int, state: OrderState | None, after: str | None) -> OrderPage:
    """Newest first."""
    wanted = select(Order).where(Order.shop_id == shop_id)
    if state is not None:
        wanted = wanted.where(Order.state == state)
    if (place := place_of(after)) is not None:
        wanted = wanted.where(tuple_(Order.created_at, Order.id) < tuple_(*place))
    found = list(db.session.scalars(wanted.order_by(Order.created_at.desc(), Order.id.desc()).limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return OrderPage(found[:PAGE], f"{last.created_at.isoformat()}~{last.id}" if last else None)


def place_of(after: str | None) -> tuple[datetime, int] | None:
    """None where it is none of ours: then from the start."""
    at, _, id_ = (after or "").partition("~")
    try:
        return datetime.fromisoformat(at), int(id_)
    except ValueError:
        return None


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


def in_debt(shop_id: int, after: str | None) -> OrderPage:
    """Those of which money is to be given back, the longest unchanged first."""
    wanted = select(Order).where(owing(shop_id))
    if (place := place_of(after)) is not None:
        wanted = wanted.where(tuple_(Order.changed_at, Order.id) > tuple_(*place))
    found = list(db.session.scalars(wanted.order_by(Order.changed_at, Order.id).limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return OrderPage(found[:PAGE], f"{last.changed_at.isoformat()}~{last.id}" if last else None)


def owing(shop_id: int) -> ColumnElement[bool]:
    """Orders of which money is to be given back."""
    return and_(Order.shop_id == shop_id, Order.owed_minor > 0)
