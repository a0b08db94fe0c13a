"""Orders nobody called about: temporary for a while, though the gateway should have told of them by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select

from ..callbacks.callback import Callback
from ..domain.states import OrderState
from ..extensions import db
from ..orders.lists import OrderPage, page_by
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
    """Test orders are nobody's loss."""
    return select(Order).where(
        Order.shop_id == shop_id,
        Order.state == OrderState.temporary,
        Order.test.is_(False),
        Order.created_at.between(now - SINCE, now - UNTIL),
        ~select(Callback.id).where(Callback.order_id == Order.id).correlate(Order).exists(),
    )


def look(shop_id: int, now: datetime) -> Unheard:
    orders = _orders(shop_id, now)
    count = db.session.scalar(select(func.count()).select_from(orders.limit(LATEST).subquery())) or 0
    oldest = orders.order_by(Order.created_at, Order.id).limit(SHOWN)
    return Unheard(count, list(db.session.scalars(oldest)))


def page(shop_id: int, now: datetime, after: str | None) -> OrderPage:
    """All of them, a page at a time, the oldest first."""
    return page_by(Order.created_at, _orders(shop_id, now), after)
