from __future__ import annotations

import contextvars
import os
import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from redis import Redis as RedisClient
from sqlalchemy import event

from dev.services import Postgres, Redis, create_database, postgres, redis
from shopcallbacks import create_app, extensions
from shopcallbacks.extensions import Base, db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.jobs import asking
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.shops import users

from . import when
from .processing.saying import Saying
from .receiver import Receiver, http_receiver

ROLE = "shopcallbacks"

# Every run draws the same examples, so that a change is judged by what it changes; `--hypothesis-profile=default` draws
# others, to search. None of them is judged by the time it takes.
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors", action="append", default=[], metavar="DIR", help="a folder of vector files (repeatable)"
    )
    parser.addoption(
        "--stories", action="append", default=[], metavar="DIR", help="a folder of story files (repeatable)"
    )
    parser.addoption("--bulk-size", type=int, default=10_000, help="how many callbacks the large bulk run is about")
    parser.addoption("--plan-rows", type=int, default=20_000, help="how many callbacks plans are looked at with")
    parser.addoption("--requests", type=int, default=20_000, help="how many random requests the gateways are given")


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    when.mark(items)
    when.sort(items)
    if not CHROMIUM:
        _skip_browser(items)


def _skip_browser(items: list[pytest.Item]) -> None:
    if os.environ.get("REQUIRE_BROWSER"):
        raise pytest.UsageError("REQUIRE_BROWSER is set and there is no Chromium on this machine.")
    missing = pytest.mark.skip(reason="no Chromium on this machine: install it with `apt-get install chromium`")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(missing)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashed by the same code with as little work as it lets: in production that work is meant to be slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_database() -> Iterator[None]:
    """A transaction may stand still for long: a test does so on a busy machine, where production must not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extensions, "STAND_STILL_S", PATIENCE_S)
        yield


# For PostgreSQL measures by the clock of the wall, which goes on where the machine itself stood still.
PATIENCE_S = 3600


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield server
        if kept := _superusers.pop(server.port, None):
            kept.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis(tmp_path_factory.mktemp("redis"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def environ(postgres_server: Postgres, redis_server: Redis) -> dict[str, str]:
    """The settings of a migrated app on real servers of its own, connecting with a role that is no superuser."""
    url = create_database(postgres_server.url, "test")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE test OWNER TO {ROLE}")
        connection.execute(f"ALTER SCHEMA public OWNER TO {ROLE}")
    settings = {
        "DATABASE_URL": f"postgresql://{ROLE}@127.0.0.1:{postgres_server.port}/test",
        "REDIS_URL": redis_server.url,
        "SECRET_KEY": "only for tests and only for tests",
        "SECRETS_KEY": Fernet.generate_key().decode(),
        "PUBLIC_URL": "http://127.0.0.1:5000",
        "FOLLOW_SECONDS": "1",
        "SWEEP_SECONDS": "1",
    }
    with create_app(settings).app_context():
        upgrade()
        db.engine.dispose()
    return settings


class Client(FlaskClient):
    """Each request in a context of its own, as in a server, even while a test holds an app context."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        response = contextvars.Context().run(super().open, *args, **kwargs)
        db.session.expire_all()
        return response


@pytest.fixture(scope="session")
def bare_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(environ, TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    with app.app_context():
        event.listen(db.engine, "connect", _patient)
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["bell"].close()
    app.extensions["counters"].close()
    app.extensions["door"].close()
    app.extensions["ask"].close()


def _patient(connection: psycopg.Connection, record: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = '{PATIENCE_S}s'")
    connection.commit()


@pytest.fixture(scope="session")
def redis_client(redis_server: Redis) -> Iterator[RedisClient]:
    with RedisClient.from_url(redis_server.url) as connection:
        yield connection


@pytest.fixture
def app(bare_app: Flask, postgres_server: Postgres, redis_client: RedisClient) -> Iterator[Flask]:
    """The app on an empty database and an empty Redis, its context pushed."""
    empty(bare_app, postgres_server, redis_client)
    with bare_app.app_context():
        yield bare_app
        db.session.rollback()


def empty(app: Flask, server: Postgres, redis: RedisClient) -> None:
    """Database and Redis at once, and what the app kept of them in memory: who keeps one without the other has an
    older back-up, and tells shops nothing.
    """
    _empty_database(server)
    redis.flushall()
    app.extensions["door"].forget()
    app.extensions["mark"].forget()
    for kept in ("lost", "closer", "round", "braking"):
        app.extensions.pop(kept, None)
    asking.patience.clear()  # by account, and ids begin anew


def _empty_database(server: Postgres) -> None:
    """Only a superuser who switches triggers off can. By rows, for TRUNCATE makes the files of every table anew; and
    vacuumed, so that rows come out again in the order in which they go in.
    """
    try:
        _sweep(_superusers[server.port])
    except (KeyError, psycopg.OperationalError):  # the first time, or a test has stopped the server
        url = f"postgresql://postgres@127.0.0.1:{server.port}/test"
        _superusers[server.port] = psycopg.connect(url, autocommit=True, options="-c session_replication_role=replica")
        _sweep(_superusers[server.port])


# By the server's port: thousands of tests need it, and a new connection would cost more than the sweeping.
_superusers: dict[int, psycopg.Connection] = {}


def _sweep(connection: psycopg.Connection) -> None:
    if full := [table for (table,) in connection.execute(_FULL).fetchall()]:
        connection.execute("; ".join(f"DELETE FROM {table}" for table in full))
        connection.execute(f"VACUUM {', '.join(full)}")
    connection.execute(_RESTART)


_RESTART = "SELECT setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences WHERE last_value > 0"
_FULL = " UNION ALL ".join(
    f"SELECT '{table.name}' WHERE EXISTS (SELECT FROM {table.name})" for table in Base.metadata.sorted_tables
)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def saying(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a gateway `saying`, whose callbacks say whatever a message can (`tests/processing/saying.py`)."""
    monkeypatch.setitem(GATEWAYS, "saying", Saying())


@pytest.fixture
def open_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes out may reach this machine, and without TLS."""
    monkeypatch.setitem(app.extensions, "outgoing", Outgoing(allow_http=True, allow_private=True))


@pytest.fixture
def receiver(open_way: None) -> Iterator[Receiver]:
    """The server at the other end."""
    with http_receiver() as found:
        yield found
