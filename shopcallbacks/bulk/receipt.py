"""What came of a bulk run: added up, row by row, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from ..callbacks.callback import LIGHT, Callback
from ..domain.states import OPENS
from ..domain.values import Money
from ..extensions import db
from ..orders.lists import real, sums
from ..orders.order import Order
from ..panel.download import table
from ..panel.download.table import Table
from ..shops.accounts import GatewayAccount
from ..words.outcomes import ITEM_STATES
from .runs import BulkItem, BulkRun, ItemState

PAGE = 50


@dataclass(frozen=True)
class Tally:
    """What came of `count` of its callbacks alike. `result` empty: nothing yet."""

    state: ItemState
    result: str
    count: int


def tallies(run: BulkRun) -> list[Tally]:
    """The commonest first, what was not done last."""
    if not run.added_up:
        return _counted(run)
    came = [
        Tally(ItemState(state), result, count) for state, alike in run.came.items() for result, count in alike.items()
    ]
    to_come = [Tally(ItemState.asked, "", run.asked), Tally(ItemState.waiting, "", run.waiting)]
    return [*sorted(came, key=_commonest), *sorted((one for one in to_come if one.count), key=_commonest)]


def _commonest(tally: Tally) -> tuple[int, str, str]:
    return -tally.count, tally.state, tally.result


def _counted(run: BulkRun) -> list[Tally]:
    """Of a run that a former release did, at least in part."""
    rows = db.session.execute(
        select(BulkItem.state, BulkItem.result, func.count())
        .where(BulkItem.run_id == run.id)
        .group_by(BulkItem.state, BulkItem.result)
        .order_by(BulkItem.result.is_(None), func.count().desc())
    )
    return [Tally(state, result or "", count) for state, result, count in rows]


def opened(run: BulkRun) -> tuple[Money, ...]:
    """The sums of the orders that the run opened, test ones left out."""
    if run.added_up:
        return tuple(Money(minor, currency) for currency, minor in sorted(run.opened.items()))
    items = (BulkItem.run_id == run.id, BulkItem.state == ItemState.succeeded, BulkItem.effect.in_(OPENS))
    callbacks = select(Callback.order_id).join(BulkItem, BulkItem.callback_id == Callback.id).where(*items)
    return sums(real(Order.amount_minor), Order.id.in_(callbacks))[0]


def rows(run: BulkRun, state: ItemState | None, after: int) -> Sequence[BulkItem]:
    """One page of its rows (and one more where there are more), behind a place."""
    wanted = select(BulkItem).where(BulkItem.run_id == run.id, BulkItem.place > after)
    if state is not None:
        wanted = wanted.where(BulkItem.state == state)
    # The callbacks by their keys, once the items of the page are known: joined, all of the run would be.
    beside = (*LIGHT, joinedload(Callback.account), joinedload(Callback.order))
    callbacks = selectinload(BulkItem.callback).options(*beside)
    return db.session.scalars(wanted.options(callbacks).order_by(BulkItem.place).limit(PAGE + 1)).all()


def table_of(run: BulkRun) -> Table:
    """Each row's result."""
    c, item = Callback, BulkItem
    columns = {
        "place": table.number(item.place),
        "callback": table.number(item.callback_id),
        "gateway account": table.code(GatewayAccount.slug),
        "order number": table.number_told(c.order_number, Order.number),
        "amount": table.amount(c.amount_minor, c.currency),
        "currency": table.code(c.currency),
        "state": table.words(item.state, ITEM_STATES),
        "state code": table.code(item.state),
        "result": table.text(item.result),
        "detail": table.text(item.detail),
        "at": table.time(item.at),
    }
    rows = (
        select(item)
        .join(c, c.id == item.callback_id)
        .join(GatewayAccount, GatewayAccount.id == c.account_id)
        .outerjoin(Order, Order.id == c.order_id)
        .where(item.run_id == run.id)
        .order_by(item.place)
    )
    return Table(f"bulk-{run.id}", run.shop.time_zone, columns, rows)
