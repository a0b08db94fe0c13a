"""A real place to measure in: durable PostgreSQL, Redis, a migrated app with a shop and an account."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from dev.services import create_database, libpq, postgres, redis
from shopcallbacks import create_app
from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.shops.accounts import GatewayAccount, Shop


@contextmanager
def place(**more: str) -> Iterator[tuple[Flask, GatewayAccount, dict[str, str]]]:
    """The app (its context pushed), a Stripe account, and the environment for processes. `more`: further settings."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder, "postgres")) as database,
        redis(Path(folder, "redis")) as queue,
    ):
        environ = {
            "DATABASE_URL": libpq(create_database(database.url, "bench")),
            "REDIS_URL": queue.url,
            "SECRET_KEY": "only for measuring",
            "SECRETS_KEY": Fernet.generate_key().decode(),
            "PUBLIC_URL": "http://127.0.0.1:5000",
            **more,
        }
        app = create_app(environ)
        with app.app_context():
            upgrade()
            shop = Shop.add("bench", "Bench")
            account = GatewayAccount.add(shop, "stripe", "stripe", {"signing_secrets": ["whsec_bench"]})
            db.session.commit()
            yield app, account, environ
            db.session.remove()
            db.engine.dispose()


def paid(account: GatewayAccount, number: str) -> Request:
    """A genuine callback that says the order of that number is paid, 59.90 EUR."""
    said = Message(Outcome.paid, number, f"pi_{number}", f"evt_{number}", Money(5990, "EUR"), test=False)
    example = account.gateway.example(account.settings_at(utcnow())[0], said, utcnow())
    assert example is not None
    return example.request


def hand_in(account: GatewayAccount, numbers: Iterable[str]) -> None:
    """Temporary orders of 59.90 EUR, as many as there are numbers, in one statement and without events."""
    db.session.execute(text(_HAND_IN), {"shop": account.shop_id, "numbers": list(numbers)})
    db.session.commit()


def fill(account: GatewayAccount, count: int, first: int = 1) -> None:
    """So many orders of 59.90 EUR (`filled-1` ...), each paid by a callback of its own: with its message, its attempt,
    its payment, its row of the ledger and its event. The planner knows of them.
    """
    values = {"shop": account.shop_id, "account": account.id, "first": first, "last": first + count - 1}
    before = db.session.execute(text("SELECT (SELECT coalesce(max(id), 0) FROM orders) AS orders")).scalar_one()
    body = paid(account, "filled-0").body.replace(b"filled-0", b"filled-")
    for statement in _FILL:
        db.session.execute(text(statement), {**values, "before": before, "body": body})
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


_HAND_IN = """
INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, created_at, changed_at)
SELECT :shop, number, 'temporary', 5990, 'EUR', false, now(), now() FROM unnest(CAST(:numbers AS text[])) AS number
"""
_EACH = "FROM orders o WHERE o.id > :before AND o.shop_id = :shop"
_CALLBACK = "FROM callbacks c JOIN orders o ON o.id = c.order_id WHERE o.id > :before AND c.account_id = :account"
_FILL = (
    "INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, taken_minor, kept_minor, created_at, "
    "changed_at) SELECT :shop, 'filled-' || n, 'open', 5990, 'EUR', false, 5990, 5990, "
    "now() - make_interval(secs => n), now() - make_interval(secs => n) "
    "FROM generate_series(CAST(:first AS bigint), :last) AS n",
    "INSERT INTO callbacks (shop_id, account_id, method, path, query, headers, body, address, received_at, digest, "
    "state, detail, version, attempt_count, tries, settled_at, asks, verdict, outcome, effect, order_number, order_id, "
    "transaction_id, event_id, amount_minor, currency, test) SELECT :shop, :account, 'POST', '/', '', '[]', "
    "CAST(:body AS bytea) || convert_to(o.number, 'UTF8'), '192.0.2.1', o.changed_at, "
    "sha256(convert_to(o.number, 'UTF8')), "
    "'processed', '', 1, 1, 1, o.changed_at, false, 'genuine', 'paid', 'opened', o.number, o.id, 'pi_' || o.number, "
    f"'evt_' || o.number, 5990, 'EUR', false {_EACH}",
    "INSERT INTO messages (callback_id, place, account_id, outcome, order_number, order_id, transaction_id, event_id, "
    "amount_minor, currency, test, effect, detail, applied_at) SELECT c.id, 0, :account, 'paid', o.number, o.id, "
    f"c.transaction_id, c.event_id, 5990, 'EUR', false, 'opened', '', c.settled_at {_CALLBACK}",
    "INSERT INTO attempts (callback_id, number, kind, at, duration_us, verdict, verification, outcome, effect, detail) "
    f"SELECT c.id, 1, 'first', c.settled_at, 900, 'genuine', '', 'paid', 'opened', '' {_CALLBACK}",
    "INSERT INTO payments (order_id, place, shop_id, account_id, transactions, life, booked, heard_at) SELECT o.id, 0, "
    f":shop, :account, jsonb_build_array(c.transaction_id), 'booked', true, c.settled_at {_CALLBACK}",
    "INSERT INTO ledger (shop_id, order_id, account_id, entry, transaction_id, minor, currency, movement, came_in, "
    "taken, callback_id, booked_at) SELECT :shop, o.id, :account, 'payment', c.transaction_id, 5990, 'EUR', "
    f"c.transaction_id, 5990, 5990, c.id, c.settled_at {_CALLBACK}",
    "WITH feed AS (INSERT INTO feeds (shop_id, position) VALUES (:shop, :last - :first + 1) ON CONFLICT (shop_id) "
    "DO UPDATE SET position = feeds.position + EXCLUDED.position RETURNING position - (:last - :first + 1) AS before) "
    "INSERT INTO order_events (shop_id, order_id, number, position, kind, from_state, to_state, minor, currency, "
    "transaction_id, account_id, callback_id, actor, order_currency, total_minor, paid_minor, given_back_minor, "
    "kept_minor, owed_minor, at) SELECT :shop, o.id, o.number, (SELECT before FROM feed) + row_number() OVER "
    "(ORDER BY o.id), 'opened', 'temporary', 'open', 5990, 'EUR', c.transaction_id, :account, c.id, '', 'EUR', 5990, "
    f"5990, 0, 5990, 0, c.settled_at {_CALLBACK}",
)


def nothing() -> None:
    """RQ's no-op job."""
