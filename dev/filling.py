"""A shop with a long history, in a few statements: for measuring, and for the plans of large tables."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount

# One in so many waits for a person, as if its secret had been wrong.
WAITS_EVERY = 100


def fill(account: GatewayAccount, count: int, first: int = 1, every: timedelta = timedelta(seconds=1)) -> None:
    """So many orders of 59.90 EUR (`filled-<first>` ...), each paid by a callback of its own: with its request, its
    message, its attempt, its payment, its row of the ledger and its event. The planner knows of them.

    The first is the latest of all; the next came `every` so long before it. As the superuser: for speed, keys of other
    tables are not looked up, and no trigger runs.
    """
    said = Message(Outcome.paid, "filled-0", "pi_filled-0", "evt_filled-0", Money(5990, "EUR"), test=False)
    example = account.gateway.example(account.settings_at(utcnow())[0], said, utcnow())
    assert example is not None
    values = {
        "shop": account.shop_id,
        "account": account.id,
        "first": first,
        "last": first + count - 1,
        "every": every,
        "path": account.callback_path,
        "body": example.request.body.decode(),
        "waits": WAITS_EVERY,
        "before": db.session.scalar(text("SELECT coalesce(max(id), 0) FROM orders")),
    }
    oldest = utcnow() - every * values["last"]
    db.session.execute(_MONTHS, {"oldest": oldest})
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in _FILL:
        db.session.execute(text(statement), values)
    arrivals.keep(utcnow())  # as a worker does
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


_MONTHS = text(
    "SELECT make_month(CAST(day AS date)) FROM generate_series(CAST(:oldest AS date), now(), '1 day') AS day"
)
_ORDERS = "FROM orders o WHERE o.id > :before AND o.shop_id = :shop"
_CALLBACKS = "FROM callbacks c JOIN orders o ON o.id = c.order_id WHERE o.id > :before AND c.account_id = :account"
_WAITS = "o.id % :waits = 0"
_WEEK = "LATERAL CAST(floor(extract(epoch FROM c.received_at) / 604800) AS bigint) AS week"
_BODY = "convert_to(replace(:body, 'filled-0', o.number), 'UTF8')"
_FILL = (
    # the latest last, as they come
    "INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, taken_minor, kept_minor, created_at, "
    "changed_at) SELECT :shop, 'filled-' || n, 'open', 5990, 'EUR', false, 5990, 5990, now() - n * :every, "
    "now() - n * :every FROM generate_series(CAST(:last AS bigint), :first, -1) AS n",
    "INSERT INTO callbacks (shop_id, account_id, received_at, digest, state, reason, detail, version, attempt_count, "
    "tries, settled_at, asks, verdict, outcome, effect, order_number, order_id, transaction_id, event_id, "
    "amount_minor, currency, test) SELECT :shop, :account, o.changed_at, "
    rf"sha256(CAST('\x0000000000000000' AS bytea) || {_BODY}), "
    f"CASE WHEN {_WAITS} THEN 'unprocessed' ELSE 'processed' END, CASE WHEN {_WAITS} THEN 'not_genuine' END, '', 1, 1, "
    f"1, CASE WHEN NOT {_WAITS} THEN o.changed_at END, false, CASE WHEN {_WAITS} THEN 'not_genuine' ELSE 'genuine' "
    f"END, 'paid', CASE WHEN NOT {_WAITS} THEN 'opened' END, o.number, o.id, 'pi_' || o.number, 'evt_' || o.number, "
    f"5990, 'EUR', false {_ORDERS} ORDER BY o.id",
    "INSERT INTO requests (callback_id, received_at, method, path, headers, address) SELECT c.id, c.received_at, "
    f"'POST', :path, '[[\"Content-Type\", \"application/json\"]]', '192.0.2.1' {_CALLBACKS}",
    "INSERT INTO bodies (day, account_id, digest, query, body) SELECT CAST(c.received_at AT TIME ZONE 'UTC' AS date), "
    f"c.account_id, c.digest, '', {_BODY} {_CALLBACKS}",
    "INSERT INTO messages (callback_id, place, account_id, outcome, order_number, order_id, transaction_id, event_id, "
    "amount_minor, currency, test, effect, detail, applied_at) SELECT c.id, 0, :account, 'paid', o.number, o.id, "
    f"c.transaction_id, c.event_id, 5990, 'EUR', false, 'opened', '', c.settled_at {_CALLBACKS} AND NOT {_WAITS}",
    "INSERT INTO attempts (callback_id, number, kind, at, duration_us, verdict, verification, outcome, effect, reason, "
    "detail) SELECT c.id, 1, 'first', c.received_at, 900, c.verdict, '', c.outcome, c.effect, c.reason, '' "
    f"{_CALLBACKS}",
    "INSERT INTO payments (order_id, place, shop_id, account_id, transactions, life, booked, heard_at) SELECT o.id, 0, "
    f":shop, :account, jsonb_build_array(c.transaction_id), 'booked', true, c.received_at {_CALLBACKS}",
    "INSERT INTO ledger (shop_id, order_id, account_id, entry, transaction_id, minor, currency, movement, came_in, "
    "taken, callback_id, booked_at) SELECT :shop, o.id, :account, 'payment', c.transaction_id, 5990, 'EUR', "
    f"c.transaction_id, 5990, 5990, c.id, c.received_at {_CALLBACKS}",
    "WITH feed AS (INSERT INTO feeds (shop_id, position) VALUES (:shop, :last - :first + 1) ON CONFLICT (shop_id) "
    "DO UPDATE SET position = feeds.position + EXCLUDED.position RETURNING position - (:last - :first + 1) AS before) "
    "INSERT INTO order_events (shop_id, order_id, number, position, kind, from_state, to_state, minor, currency, "
    "transaction_id, account_id, callback_id, actor, order_currency, total_minor, paid_minor, given_back_minor, "
    "kept_minor, owed_minor, at) SELECT :shop, o.id, o.number, (SELECT before FROM feed) + row_number() OVER "
    "(ORDER BY o.id), 'opened', 'temporary', 'open', 5990, 'EUR', c.transaction_id, :account, c.id, '', 'EUR', 5990, "
    f"5990, 0, 5990, 0, c.received_at {_CALLBACKS}",
    "INSERT INTO search_entries (shop_id, callback_id, week, attempts, terms) SELECT c.shop_id, c.id, week, 1, "
    "array_to_tsvector((SELECT array_agg(c.shop_id || '.' || week || ':' || term) FROM unnest(ARRAY['paid', 'eur', "
    "o.number, 'pi_' || o.number, 'evt_' || o.number, substr(o.number, 8)]) AS term)) "
    f"{_CALLBACKS.replace(' WHERE', f', {_WEEK} WHERE')}",
    "INSERT INTO search_progress (id, upto, history, attempts) SELECT 1, (SELECT max(id) FROM callbacks), 0, (SELECT "
    "max(id) FROM attempts) ON CONFLICT (id) DO UPDATE SET upto = EXCLUDED.upto, attempts = EXCLUDED.attempts",
)
