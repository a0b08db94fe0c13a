from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade

from dev.services import Postgres, create_database, libpq
from shopcallbacks import create_app
from shopcallbacks.extensions import db

_numbers = itertools.count(1)


@pytest.fixture
def empty_app(environ: dict[str, str], postgres_server: Postgres) -> Iterator[Flask]:
    """The app on a database without tables, its context pushed."""
    yield from _app_on(create_database(postgres_server.url, f"migrations_{next(_numbers)}"), environ)


@pytest.fixture(scope="session")
def pattern(environ: dict[str, str], postgres_server: Postgres) -> str:
    """The name of a database as revision 0010 leaves it, to make others of."""
    url = create_database(postgres_server.url, "migrated_to_0010")
    with create_app({**environ, "DATABASE_URL": libpq(url)}).app_context():
        upgrade(revision="0010")
        db.engine.dispose()
    return "migrated_to_0010"


@pytest.fixture
def old_app(pattern: str, environ: dict[str, str], postgres_server: Postgres) -> Iterator[Flask]:
    """The app on an empty database of revision 0010, its context pushed."""
    name = f"migrations_{next(_numbers)}"
    with psycopg.connect(libpq(postgres_server.url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {pattern}")
    yield from _app_on(create_database(postgres_server.url, name), environ)


def _app_on(url: str, environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app({**environ, "DATABASE_URL": libpq(url)})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    app.extensions["bell"].close()
    app.extensions["counters"].close()
    app.extensions["ask"].close()
