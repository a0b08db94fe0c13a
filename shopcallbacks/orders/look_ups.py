"""What is known of payments and movements of money by their names, for a whole batch in one statement each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import String, bindparam, func, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY

from ..domain.money import Hold, Holder, Life
from ..domain.states import Entry
from ..extensions import db
from .ledger import VOID, LedgerRow
from .payments import Payment

Movement = tuple[int, Entry, str]


def holders(keys: Collection[tuple[int, str]]) -> Mapping[tuple[int, str], Mapping[int, Holder]]:
    """By (account id, id of a payment): the orders that know it."""
    if not keys:
        return {}
    ids = bindparam("ids", sorted({id_ for _, id_ in keys}), type_=ARRAY(String))
    rows = db.session.execute(
        select(Payment.account_id, Payment.transactions, Payment.order_id, Payment.life, Payment.booked).where(
            Payment.transactions.op("?|")(ids)
        )
    )
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
    accounts, entries, names = zip(*sorted(keys), strict=True)
    wanted = (
        func.unnest(
            bindparam("accounts", list(accounts), type_=ARRAY(LedgerRow.account_id.type)),
            bindparam("entries", [entry.name for entry in entries], type_=ARRAY(String)),
            bindparam("names", list(names), type_=ARRAY(String)),
        )
        .table_valued("account_id", "entry", "movement", name="wanted")
        .render_derived()
    )
    rows = db.session.execute(
        select(LedgerRow.account_id, LedgerRow.entry, LedgerRow.movement, LedgerRow.order_id, LedgerRow.callback_id)
        .join(
            wanted,
            tuple_(LedgerRow.account_id, type_coerce(LedgerRow.entry, String), LedgerRow.movement)
            == tuple_(wanted.c.account_id, wanted.c.entry, wanted.c.movement),
        )
        .where(~VOID)
        .order_by(LedgerRow.id.desc())
    )
    found: dict[Movement, dict[int, int | None]] = {}
    for account_id, entry, movement, order_id, callback_id in rows:
        found.setdefault((account_id, entry, movement or ""), {})[order_id] = callback_id
    return found
