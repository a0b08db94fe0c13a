"""The shop's books as tables, for who does the accounts: its orders, every booking of money, and what is owed back.

Words stand beside codes. Times are the shop's own; a day is a day of its clock.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, select, true, union_all

from ...orders.ledger import LedgerRow
from ...orders.lists import owing
from ...orders.order import Order
from ...shops.accounts import GatewayAccount, Shop
from ...words.orders import ENTRIES
from ...words.outcomes import ORDER_STATES
from ..days import span
from . import table
from .table import Table


def orders(shop: Shop, since: date | None, until: date | None) -> Table:
    """Those handed in on these days, the oldest first."""
    order = Order
    columns = {
        "handed in at": table.time(order.created_at),
        "order number": table.number_of(order.number),
        "state": table.words(order.state, ORDER_STATES),
        "state code": table.code(order.state),
        "cancelled by": table.code(order.cancelled_by),
        "customer": table.text(order.customer_email),
        "test": table.yes(order.test),
        "currency": table.code(order.currency),
        "amount": table.amount(order.amount_minor, order.currency),
        "taken": table.amount(order.taken_minor, order.currency),
        "given back": table.amount(order.given_back_minor, order.currency),
        "waived": table.amount(order.waived_minor, order.currency),
        "owed back": table.amount(order.owed_minor, order.currency),
        "changed at": table.time(order.changed_at),
    }
    rows = select(order).where(order.shop_id == shop.id, *_between(order.created_at, shop, since, until))
    return Table("orders", shop.time_zone, columns, rows.order_by(order.created_at, order.id))


def bookings(shop: Shop, since: date | None, until: date | None) -> Table:
    """Every row of the ledger that was booked on these days: payments, refunds, chargebacks and what followed them."""
    row, order, account = LedgerRow, Order, GatewayAccount
    columns = {
        "booking day": table.day(row.booked_at),
        "booked at": table.time(row.booked_at),
        "booking": table.words(row.entry, ENTRIES),
        "booking code": table.code(row.entry),
        "order number": table.number_of(order.number),
        "gateway account": table.code(account.slug),
        "gateway": table.text(account.title),
        "transaction id": table.text(row.transaction_id),
        "test": table.yes(order.test),
        "currency": table.code(row.currency),
        "told": table.amount(row.minor, row.currency),
        "came in": table.amount(row.came_in, row.currency),
        "owed back": table.amount(row.owed, row.currency),
        "owed and given back": table.amount(row.settled, row.currency),
        "order currency": table.code(order.currency),
        "taken": table.amount(row.taken, order.currency),
        "given back": table.amount(row.given_back, order.currency),
        "waived": table.amount(row.waived, order.currency),
        "gateway's own time": table.time(row.at),
        "callback id": table.number(row.callback_id),
    }
    rows = (
        select(row)
        .join(order, order.id == row.order_id)
        .join(account, account.id == row.account_id)
        .where(row.shop_id == shop.id, *_between(row.booked_at, shop, since, until))
    )
    return Table("bookings", shop.time_zone, columns, rows.order_by(row.booked_at, row.id))


def owed(shop: Shop, since: date | None, until: date | None) -> Table:
    """What is owed back now, in whatever currency, of orders changed on these days, the longest unchanged first."""
    order = Order
    other = func.jsonb_each_text(order.owed_other).table_valued("key", "value").render_derived()
    parts = union_all(
        select(order.id, order.currency.label("currency"), order.owed_minor.label("minor")).where(
            owing(shop.id), order.owed_minor > 0
        ),
        select(order.id, other.c.key, other.c.value.cast(BigInteger)).join(other, true()).where(owing(shop.id)),
    ).subquery()
    columns = {
        "order number": table.number_of(order.number),
        "customer": table.text(order.customer_email),
        "state": table.words(order.state, ORDER_STATES),
        "state code": table.code(order.state),
        "currency": table.code(parts.c.currency),
        "owed back": table.amount(parts.c.minor, parts.c.currency),
        "changed at": table.time(order.changed_at),
    }
    rows = select(order).join(parts, parts.c.id == order.id)
    rows = rows.where(*_between(order.changed_at, shop, since, until))
    return Table("owed", shop.time_zone, columns, rows.order_by(order.changed_at, order.id, parts.c.currency))


def _between(column: Any, shop: Shop, since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    start, end = span(since, until, shop.time_zone)
    return [*([column >= start] if start else []), *([column < end] if end else [])]
