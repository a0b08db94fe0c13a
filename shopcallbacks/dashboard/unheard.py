"""Orders nobody called about: temporary for a while, though the gateway should have told of them by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, tuple_

from ..callbacks.callback import Callback
from ..domain.states import OrderState
from ..extensions import db
from ..orders.lists import PAGE, OrderPage, place_of
from ..orders.order import Order
from .health import LATEST

SINCE, UNTIL = timedelta(hours=24), timedelta(minutes=15)
SHOWN = 5


@dataclass(frozen=True)
class Unheard:
    """Of the last 24 hours: how many, and the oldest few."""

    count: int
    oldest: list[Order]


def _orders(shop_id: int, now: datetime) -> Select[Order]:
    """Oldest first. Test orders are nobody's loss."""
    return (
        select(Order)
        .where(
            Order.shop_id == shop_id,
            Order.state == OrderState.temporary,
            Order.test.is_(False),
            Order.created_at.between(now - SINCE, now - UNTIL),
            ~select(Callback.id).where(Callback.order_id == Order.id).correlate(Order).exists(),
        )
        .order_by(Order.created_at, Order.id)
    )


def look(shop_id: int, now: datetime) -> Unheard:
    orders = _orders(shop_id, now)
    count = db.session.scalar(select(func.count()).select_from(orders.limit(LATEST).subquery())) or 0
    return Unheard(count, list(db.session.scalars(orders.limit(SHOWN))))


def page(shop_id: int, now: datetime, after: str | None) -> OrderPage:
    """All of them, a page at a time."""
    orders = _orders(shop_id, now)
    if (place := place_of(after)) is not None:
        orders = orders.where(tuple_(Order.created_at, Order.id) > tuple_(*place))
    found = list(db.session.scalars(orders.limit(PAGE + 1)))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return OrderPage(found[:PAGE], f"{last.created_at.isoformat()}~{last.id}" if last else None)
