"""Orders nobody called about: temporary for a while, though the gateway should have told of them by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, Select, func, select, text

from ..callbacks.callback import Callback
from ..extensions import db
from ..orders.lists import OrderPage, page_by
from ..orders.order import Order

UNTIL = timedelta(minutes=15)
SHOWN = 5
# So many are counted; a shop that leaves every cart temporary may have any number.
COUNTED = 10_000

# However old they are: an order leaves this index with its first payment, and the walk is as long as what it finds.
Index(
    "ix_orders_unheard",
    Order.shop_id,
    Order.created_at,
    Order.id,
    postgresql_where=text("state = 'temporary' AND NOT test AND amount_minor > 0"),
)


@dataclass(frozen=True)
class Unheard:
    """How many, and the oldest few. `more`: there are more than were counted."""

    count: int
    more: bool
    oldest: list[Order]


def _orders(shop_id: int, now: datetime) -> Select[Order]:
    """Oldest first. Test orders are nobody's loss, and of an order of 0.00 no gateway has anything to tell."""
    return (
        select(Order)
        .where(
            Order.shop_id == shop_id,
            # Written out, as in the index, or a prepared statement does not see that the index is enough.
            text("orders.state = 'temporary' AND NOT orders.test AND orders.amount_minor > 0"),
            Order.created_at <= now - UNTIL,
            ~select(Callback.id).where(Callback.order_id == Order.id).correlate(Order).exists(),
        )
        .order_by(Order.created_at, Order.id)
    )


def look(shop_id: int, now: datetime, most: int = COUNTED) -> Unheard:
    orders = _orders(shop_id, now)
    some = orders.with_only_columns(Order.id).limit(most + 1).subquery()
    count = db.session.scalar(select(func.count()).select_from(some)) or 0
    return Unheard(min(count, most), count > most, list(db.session.scalars(orders.limit(SHOWN))))


def page(shop_id: int, now: datetime, after: str | None) -> OrderPage:
    """All of them, a page at a time."""
    return page_by(Order.created_at, _orders(shop_id, now).order_by(None), after)
