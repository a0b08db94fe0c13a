"""The callbacks that a filter shows, as a table."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_

from ...callbacks.callback import Callback
from ...domain.errors import Conflict, Reason
from ...orders.order import Order
from ...shops.accounts import GatewayAccount, Mode, Shop
from ...words.outcomes import ORDER_STATES, VERDICTS
from ...words.reasons import cause
from ..filter import Filter
from . import table
from .table import Column, Table


def callbacks(filter_: Filter, shop: Shop) -> Table:
    """In the filter's order."""
    c, order, account = Callback, Order, GatewayAccount
    columns = {
        "id": table.number(c.id),
        "received at": table.time(c.received_at),
        "gateway account": table.code(account.slug),
        "gateway": table.code(account.gateway_name),
        "state": table.code(c.state),
        "reason": why(c, account),
        "reason code": table.code(c.reason),
        "detail": table.text(c.detail),
        "outcome": table.code(c.outcome),
        "order number": table.number_told(c.order_number, order.number),
        "transaction id": table.text(c.transaction_id),
        "event id": table.text(c.event_id),
        "amount": table.amount(c.amount_minor, c.currency),
        "currency": table.code(c.currency),
        "order state": table.words(order.state, ORDER_STATES),
        "order state code": table.code(order.state),
        "order amount": table.amount(order.amount_minor, order.currency),
        "attempts": table.number(c.attempt_count),
        "last verdict": table.words(c.verdict, VERDICTS),
        "last verdict code": table.code(c.verdict),
        "settled at": table.time(c.settled_at),
        "imported at": table.time(c.imported_at),
        "digest": table.code(func.encode(c.digest, literal_column("'hex'"))),
        "test": table.yes(tested(c, account)),
    }
    rows = filter_.select(shop).join(account, account.id == c.account_id).outerjoin(order, order.id == c.order_id)
    walked = not (filter_.narrowed or filter_.sorting.by_amount)
    return Table("callbacks", shop.time_zone, columns, rows, walked)


def why(callback: type[Callback], account: type[GatewayAccount]) -> Column:
    """The reason as the panel names it."""
    closer = [(callback.conflict == one, cause(one.reason, one, _TITLE, False)) for one in Conflict]
    plain = [
        (and_(callback.reason == one, account.asks == asks), cause(one, None, _TITLE, asks))
        for one in Reason
        for asks in (False, True)
    ]
    said = case(*closer, *plain)
    return table.with_text(said, _TITLE, account.title, where=callback.reason.is_not(None))


def tested(callback: type[Callback], account: type[GatewayAccount]) -> ColumnElement[bool]:
    """As it says, else as its account was when it came."""
    then = or_(account.mode == Mode.test, callback.received_at < account.live_since)
    return func.coalesce(callback.test, then)


_TITLE = "{gateway}"
