"""Rows as the former release wrote them: plain SQL of revision 0010, which knows none of today's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from shopcallbacks.extensions import db


class Booked(NamedTuple):
    """A row of the former ledger."""

    entry: str
    transaction: str | None
    minor: int
    movement: str
    owed: bool = False


class Told(NamedTuple):
    """A message that was applied, or that waits for the reason."""

    outcome: str
    transaction: str | None
    reason: str | None = None
    detail: str = ""
    event: str | None = None


@dataclass(frozen=True)
class Former:
    """An order of 49.00 EUR. `owed`, `settled`, `awaited`: its columns."""

    state: str
    booked: tuple[Booked, ...] = ()
    told: tuple[Told, ...] = ()
    owed: int = 0
    settled: int = 0
    awaited: str | None = None


def payment(transaction: str | None, minor: int = 4900, owed: bool = False, movement: str | None = None) -> Booked:
    return Booked("payment", transaction, minor, movement or transaction or "", owed)


def refund(transaction: str | None, minor: int, movement: str) -> Booked:
    return Booked("refund", transaction, minor, movement)


def run(statement: str, **values: Any) -> int:
    """The id it returns."""
    return db.session.execute(text(statement), values).scalar_one()


def add_account() -> tuple[int, int]:
    """A shop with a gateway account: the ids of both."""
    shop = run("INSERT INTO shops (slug, name, time_zone, created_at) VALUES ('a', 'A', 'UTC', now()) RETURNING id")
    account = run(
        "INSERT INTO gateway_accounts (shop_id, gateway_name, slug, title, mode, token, settings, asks, enabled, "
        "created_at) VALUES (:shop, 'saying', 'saying', 'Saying', 'live', 'token', '{}', false, true, now()) "
        "RETURNING id",
        shop=shop,
    )
    run("INSERT INTO feeds (shop_id, position) VALUES (:shop, 0) RETURNING shop_id", shop=shop)
    return shop, account


CALLBACK = """
INSERT INTO callbacks (shop_id, account_id, method, path, query, headers, body, address, received_at, digest, state,
    reason, detail, version, attempt_count, tries, asks, verdict, order_number, order_id)
VALUES (:shop, :account, 'POST', '/', '', '[]', :body, '192.0.2.1', now(), '', :state, :reason, :detail, 1, 1, 1, false,
    'genuine', :number, :order) RETURNING id
"""
MESSAGE = """
INSERT INTO messages (callback_id, place, account_id, outcome, order_number, order_id, transaction_id, event_id,
    amount_minor, currency, effect, reason, detail, applied_at)
VALUES (:callback, 0, :account, :outcome, :number, :order, :transaction, :event, 4900, 'EUR',
    CASE WHEN CAST(:reason AS text) IS NULL THEN 'none' END, :reason, :detail,
    CASE WHEN CAST(:reason AS text) IS NULL THEN now() END) RETURNING callback_id
"""
ORDER = """
INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, awaited_transaction, owed_minor,
    settled_minor, created_at, changed_at)
VALUES (:shop, :number, :state, 4900, 'EUR', false, :awaited, :owed, :settled, now() - interval '1 hour', now())
RETURNING id
"""
BOOKED = """
INSERT INTO payments (shop_id, order_id, account_id, entry, movement, transaction_id, minor, currency, owed,
    callback_id, booked_at)
VALUES (:shop, :order, :account, :entry, :movement, :transaction, :minor, 'EUR', :owed, :callback, now()) RETURNING id
"""
EVENT = """
WITH place AS (UPDATE feeds SET position = position + 1 WHERE shop_id = :shop RETURNING position)
INSERT INTO order_events (shop_id, order_id, position, kind, to_state, actor, at)
SELECT :shop, :order, position, 'created', 'temporary', '', now() FROM place RETURNING id
"""


def add_orders(shop: int, account: int, orders: Mapping[str, Former]) -> dict[str, int]:
    """Their ids by number."""
    return {number: add_order(shop, account, number, former) for number, former in orders.items()}


def add_order(shop: int, account: int, number: str, former: Former) -> int:
    common = {"shop": shop, "account": account, "number": number}
    columns = {"state": former.state, "awaited": former.awaited, "owed": former.owed, "settled": former.settled}
    order = run(ORDER, shop=shop, number=number, **columns)
    run(EVENT, shop=shop, order=order)
    tellers = [_tell(told, order, common) for told in former.told]
    for row in former.booked:
        told = next((callback for callback, one in zip(tellers, former.told, strict=True) if one.event), None)
        callback = told if row.transaction is None else None
        run(BOOKED, shop=shop, account=account, order=order, callback=callback, **row._asdict())
    return order


def _tell(told: Told, order: int, common: Mapping[str, Any]) -> int:
    waits = {"reason": told.reason, "detail": told.detail}
    state = "unprocessed" if told.reason else "processed"
    callback = run(CALLBACK, **common, **waits, order=order, state=state, body=told.outcome.encode())
    values = {"outcome": told.outcome, "transaction": told.transaction, "event": told.event}
    run(MESSAGE, **{k: v for k, v in common.items() if k != "shop"}, **values, **waits, callback=callback, order=order)
    return callback


def arriving(shop: int, account: int, number: int) -> tuple[str, dict[str, Any]]:
    """The statement (psycopg's) by which the door of the former release keeps a callback."""
    statement = (
        "INSERT INTO callbacks (shop_id, account_id, method, path, query, headers, body, address, received_at, digest, "
        "state, detail, version, attempt_count, tries, asks, due_at, due_kind) VALUES (%(shop)s, %(account)s, 'POST', "
        "'/', '', %(headers)s, %(body)s, '192.0.2.1', now(), '', 'received', '', 0, 0, 0, false, now(), 'first')"
    )
    return statement, {"shop": shop, "account": account, "headers": Jsonb([]), "body": str(number).encode()}
