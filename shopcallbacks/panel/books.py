"""The shop's books as CSV, for who does the accounts: its orders, every booking of money, and what is owed back.

Words stand beside codes. Times are the shop's own, with their distance from UTC; a day is a day of its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from ..orders.ledger import LedgerRow
from ..orders.lists import owing
from ..orders.order import Order
from ..shops.accounts import GatewayAccount, Shop
from ..words.orders import ENTRIES
from ..words.outcomes import ORDER_STATES
from .csv import Cell, Export, amount_cell, stream
from .days import span


def orders(shop: Shop, since: date | None, until: date | None) -> Export:
    """Those handed in on these days, the oldest first."""
    order = Order
    columns: dict[str, Any] = {
        "handed in at": _local(order.created_at),
        "order number": Cell(order.number, ""),  # the shop's own number is no card's
        "state": _words(order.state, ORDER_STATES),
        "state code": order.state,
        "cancelled by": order.cancelled_by,
        "customer": Cell(order.customer_email),
        "test": _yes(order.test),
        "currency": order.currency,
        "amount": amount_cell(order.amount_minor, order.currency),
        "taken": amount_cell(order.taken_minor, order.currency),
        "given back": amount_cell(order.given_back_minor, order.currency),
        "waived": amount_cell(order.waived_minor, order.currency),
        "owed back": amount_cell(order.owed_minor, order.currency),
        "changed at": _local(order.changed_at),
    }
    wanted = select(*columns.values()).where(order.shop_id == shop.id, *_between(order.created_at, shop, since, until))
    return _stream(shop, columns, wanted.order_by(order.created_at, order.id))


def bookings(shop: Shop, since: date | None, until: date | None) -> Export:
    """Every row of the ledger that was booked on these days: payments, refunds, chargebacks and what followed them."""
    row, order, account = LedgerRow, Order, GatewayAccount
    columns: dict[str, Any] = {
        "booking day": func.to_char(func.timezone(shop.time_zone, row.booked_at), literal_column("'YYYY-MM-DD'")),
        "booked at": _local(row.booked_at),
        "booking": _words(row.entry, ENTRIES),
        "booking code": row.entry,
        "order number": Cell(order.number, ""),
        "gateway account": account.slug,
        "gateway": Cell(account.title),
        "transaction id": Cell(row.transaction_id),
        "test": _yes(order.test),
        "currency": row.currency,
        "told": amount_cell(row.minor, row.currency),
        "came in": amount_cell(row.came_in, row.currency),
        "owed back": amount_cell(row.owed, row.currency),
        "owed and given back": amount_cell(row.settled, row.currency),
        "order currency": order.currency,
        "taken": amount_cell(row.taken, order.currency),
        "given back": amount_cell(row.given_back, order.currency),
        "waived": amount_cell(row.waived, order.currency),
        "gateway's own time": _local(row.at),
        "callback id": row.callback_id,
    }
    wanted = (
        select(*columns.values())
        .join(order, order.id == row.order_id)
        .join(account, account.id == row.account_id)
        .where(row.shop_id == shop.id, *_between(row.booked_at, shop, since, until))
    )
    return _stream(shop, columns, wanted.order_by(row.booked_at, row.id))


def owed(shop: Shop, since: date | None, until: date | None) -> Export:
    """What is owed back now, in whatever currency, of orders changed on these days, the longest unchanged first."""
    order = Order
    other = func.jsonb_each_text(order.owed_other).table_valued("key", "value").render_derived()
    parts = union_all(
        select(order.id, order.currency.label("currency"), order.owed_minor.label("minor")).where(
            owing(shop.id), order.owed_minor > 0
        ),
        select(order.id, other.c.key, other.c.value.cast(BigInteger)).join(other, true()).where(owing(shop.id)),
    ).subquery()
    columns: dict[str, Any] = {
        "order number": Cell(order.number, ""),
        "customer": Cell(order.customer_email),
        "state": _words(order.state, ORDER_STATES),
        "currency": parts.c.currency,
        "owed back": amount_cell(parts.c.minor, parts.c.currency),
        "changed at": _local(order.changed_at),
    }
    wanted = select(*columns.values()).join(parts, parts.c.id == order.id)
    wanted = wanted.where(*_between(order.changed_at, shop, since, until))
    return _stream(shop, columns, wanted.order_by(order.changed_at, order.id, parts.c.currency))


BOOKS: Mapping[str, Callable[[Shop, date | None, date | None], Export]] = {
    "orders": orders,
    "bookings": bookings,
    "owed": owed,
}


def _stream(shop: Shop, columns: Mapping[str, Any], wanted: Select[Any]) -> Export:
    """For spreadsheets too: they take it for UTF-8 by its mark."""
    return stream([*columns], wanted, bom=True, zone=shop.time_zone)


def _between(column: Any, shop: Shop, since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    start, end = span(since, until, shop.time_zone)
    return [*([column >= start] if start else []), *([column < end] if end else [])]


def _local(column: Any) -> ColumnElement[Any]:
    """ISO 8601, in the zone that the export is made in."""
    return func.to_char(column, literal_column("""'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'"""))


def _words(column: Any, words: Mapping[Any, str]) -> ColumnElement[Any]:
    return case({str(code): said for code, said in words.items()}, value=cast(column, Text), else_=cast(column, Text))


def _yes(column: Any) -> ColumnElement[Any]:
    return case((column, literal_column("'yes'")), else_=literal_column("'no'"))
