"""A real place to measure in: durable PostgreSQL, Redis, a migrated app with a shop and an account."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet
from flask import Flask
from flask_migrate import upgrade

from dev.services import create_database, libpq, postgres, redis
from shopcallbacks import create_app
from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.shops.accounts import GatewayAccount, Shop


@contextmanager
def place() -> Iterator[tuple[Flask, GatewayAccount, dict[str, str]]]:
    """The app (its context pushed), a Stripe account, and the environment for processes."""
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


def nothing() -> None:
    """RQ's no-op job."""


def compare(ours: Callable[[], float], other: Callable[[], float], names: tuple[str, str], rounds: int = 5) -> None:
    """Prints both rates (a second) and the median of ours / other, measured in turns."""
    ours_, other_ = [], []
    for _ in range(rounds):
        other_.append(other())
        ours_.append(ours())
    ratios = [mine / yours for mine, yours in zip(ours_, other_, strict=True)]
    print(f"{names[0]}: {statistics.median(ours_):,.0f} /s   {names[1]}: {statistics.median(other_):,.0f} /s")
    print(f"ratio {statistics.median(ratios):.2f}  (from {min(ratios):.2f} to {max(ratios):.2f})")
