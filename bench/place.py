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

from dev.processes import interrupt_when_told
from dev.services import create_database, libpq, postgres, redis
from shopcallbacks import create_app
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop


@contextmanager
def thrown_away() -> Iterator[Path]:
    """A folder that is gone at the end. From here on SIGTERM ends us as Ctrl-C does: with all that was begun."""
    interrupt_when_told()
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def place(**more: str) -> Iterator[tuple[Flask, GatewayAccount, dict[str, str]]]:
    """The app (its context pushed), a Stripe account, and the environment for processes. `more`: further settings."""
    with (
        thrown_away() as folder,
        postgres(folder / "postgres") as database,
        redis(folder / "redis") as queue,
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


_HAND_IN = """
INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, created_at, changed_at)
SELECT :shop, number, 'temporary', 5990, 'EUR', false, now(), now() FROM unnest(CAST(:numbers AS text[])) AS number
"""


def nothing() -> None:
    """RQ's no-op job."""
