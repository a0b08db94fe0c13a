"""What is known of payments and movements of money by their names, for a whole batch in one statement each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import String, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from ..domain.money import Hold, Holder, Life
from ..domain.states import Entry
from ..extensions import db
from ..sets import keyed, wanted
from .ledger import VOID, LedgerRow
from .payments import Payment

Movement = tuple[int, Entry, str]

_tries, _rows = Payment.__table__.c, LedgerRow.__table__.c
# Each by itself: by the index many at once (`?|`) are thought to cost more than to read a small table from end to end.
_WANTED = func.unnest(bindparam("ids", type_=ARRAY(String))).table_valued(column("id", String)).render_derived()
_HOLDERS = select(_tries.account_id, _tries.transactions, _tries.order_id, _tries.life, _tries.booked).join(
    _WANTED, _tries.transactions.op("?")(_WANTED.c.id)
)
_MOVEMENTS = (
    select(_rows.account_id, _rows.entry, _rows.movement, _rows.order_id, _rows.callback_id)
    .join(*wanted(_rows.account_id, _rows.entry, _rows.movement))
    .where(~VOID)
    .order_by(_rows.id.desc())
)


def holders(keys: Collection[tuple[int, str]]) -> Mapping[tuple[int, str], Mapping[int, Holder]]:
    """By (account id, id of a payment): the orders that know it."""
    if not keys:
        return {}
    rows = db.session.execute(_HOLDERS, {"ids": sorted({id_ for _, id_ in keys})})
    found: dict[tuple[int, str], dict[int, Holder]] = {}
    for account_id, transactions, order_id, life, booked in rows:
        for id_ in transactions:
            if id_ is not None and (account_id, id_) in keys:
                found.setdefault((account_id, id_), {})[order_id] = Holder(order_id, _hold(life, booked))
    return found


def _hold(life: Life, booked: bool) -> Hold:
    if booked:
        return Hold.booked
    return {Life.alive: Hold.alive, Life.unheard: Hold.unheard}.get(life, Hold.ended)


def movements(keys: Collection[Movement]) -> Mapping[Movement, Mapping[int, int | None]]:
    """By movement: the orders on which it is booked, and the callback that told of it first there."""
    if not keys:
        return {}
    rows = db.session.execute(_MOVEMENTS, keyed("account_id entry movement", keys))
    found: dict[Movement, dict[int, int | None]] = {}
    for account_id, entry, movement, order_id, callback_id in rows:
        found.setdefault((account_id, entry, movement or ""), {})[order_id] = callback_id
    return found
