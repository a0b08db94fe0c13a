"""The shop's orders as a list, and the callbacks about one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_, union
from sqlalchemy.orm import defer, lazyload

from .attempts import KeptMessage
from .callbacks import Callback
from .extensions import db
from .orders import Order
from .rulings import owing
from .transitions import OrderState

PAGE = 50
CALLBACKS = 100

# A line about a callback needs nothing of the request itself, which may be large.
LIGHT = (defer(Callback.body), defer(Callback.query), defer(Callback.headers), lazyload(Callback.messages))


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


def that_owe(shop_id: int, after: str | None) -> OrderPage:
    """Those of which money is to be given back, the longest unchanged first."""
    wanted = select(Order).where(owing(shop_id))
    if (place := place_of(after)) is not None:
        wanted = wanted.where(tuple_(Order.changed_at, Order.id) > tuple_(*place))
    found = list(db.session.scalars(wanted.order_by(Order.changed_at, Order.id).limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return OrderPage(found[:PAGE], f"{last.changed_at.isoformat()}~{last.id}" if last else None)


def callbacks_about(order: Order) -> list[Callback]:
    """The latest callbacks that name the order, or of which one message was about it; newest first."""
    about = union(
        select(Callback.id).where(Callback.order_id == order.id),
        select(Callback.id).where(Callback.shop_id == order.shop_id, Callback.order_number == order.number),
        select(KeptMessage.callback_id).where(KeptMessage.order_id == order.id),
    ).subquery()
    return list(
        db.session.scalars(
            select(Callback)
            .where(Callback.id.in_(select(about)))
            .order_by(Callback.received_at.desc(), Callback.id.desc())
            .limit(CALLBACKS)
            .options(*LIGHT)
        )
    )
