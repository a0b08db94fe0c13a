"""What came of a bulk run: added up, row by row, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from ..callbacks.callback import LIGHT, Callback
from ..domain.states import OPENS
from ..domain.values import Money
from ..extensions import db
from ..orders.lists import sums
from ..orders.order import Order
from ..panel.csv import Cell, amount_cell, order_number_cell, stream, time_cell
from ..shops.accounts import GatewayAccount
from .runs import BulkItem, BulkRun, ItemState

PAGE = 100


@dataclass(frozen=True)
class Tally:
    """What came of `count` of its callbacks alike. `result` empty: nothing yet."""

    state: ItemState
    result: str
    count: int


def tallies(run: BulkRun) -> list[Tally]:
    """The commonest first, what was not done last."""
    rows = db.session.execute(
        select(BulkItem.state, BulkItem.result, func.count())
        .where(BulkItem.run_id == run.id)
        .group_by(BulkItem.state, BulkItem.result)
        .order_by(BulkItem.result.is_(None), func.count().desc())
    )
    return [Tally(state, result or "", count) for state, result, count in rows]


def opened(run: BulkRun) -> tuple[Money, ...]:
    """The sums of the orders that the run opened."""
    items = (BulkItem.run_id == run.id, BulkItem.state == ItemState.succeeded, BulkItem.effect.in_(OPENS))
    callbacks = select(Callback.order_id).join(BulkItem, BulkItem.callback_id == Callback.id).where(*items)
    return sums(Order.amount_minor, Order.id.in_(callbacks))[0]


def rows(run: BulkRun, state: ItemState | None, after: int) -> Sequence[BulkItem]:
    """One page of its rows (and one more where there are more), behind a place."""
    wanted = select(BulkItem).where(BulkItem.run_id == run.id, BulkItem.place > after)
    if state is not None:
        wanted = wanted.where(BulkItem.state == state)
    beside = (joinedload(Callback.account), joinedload(Callback.order))
    return db.session.scalars(
        wanted.join(BulkItem.callback)
        .options(contains_eager(BulkItem.callback).options(*LIGHT, *beside))
        .order_by(BulkItem.place)
        .limit(PAGE + 1)
    ).all()


def write_csv(run: BulkRun, bom: bool = False) -> Iterator[bytes]:
    """Each row's result, streamed."""
    c, item = Callback, BulkItem
    columns = {
        "place": item.place,
        "callback": item.callback_id,
        "gateway account": Cell(GatewayAccount.slug),
        "order number": order_number_cell(c, Order),
        "amount": amount_cell(c.amount_minor, c.currency),
        "currency": Cell(c.currency),
        "state": item.state,
        "result": Cell(item.result),
        "detail": Cell(item.detail),
        "at": time_cell(item.at),
    }
    statement = (
        select(*columns.values())
        .select_from(item)
        .join(c, c.id == item.callback_id)
        .join(GatewayAccount, GatewayAccount.id == c.account_id)
        .outerjoin(Order, Order.id == c.order_id)
        .where(item.run_id == run.id)
        .order_by(item.place)
    )
    return stream(list(columns), statement, bom)
