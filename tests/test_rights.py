"""Least rights: the whole product runs as a role that can drop, alter, truncate and delete nothing that is kept."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from redis import Redis as RedisClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from dev.services import Postgres, Redis, create_database
from shopcallbacks import create_app
from shopcallbacks.extensions import Base, db
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.rights import DELETED_FROM, app_role, too_few, too_many

from .conftest import Client
from .life import live
from .receiver import http_receiver

OWNER, APP = "tables_owner", "web_and_worker"


@pytest.fixture(scope="module")
def settings(postgres_server: Postgres, environ: dict[str, str]) -> dict[str, str]:
    """Of an app of two roles, on a database of its own, as `release` leaves it."""
    url = create_database(postgres_server.url, "two_roles")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for role in (OWNER, APP):
            connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"ALTER DATABASE two_roles OWNER TO {OWNER}")
        connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
    base = f"127.0.0.1:{postgres_server.port}/two_roles"
    urls = {"DATABASE_URL": f"postgresql://{APP}@{base}", "MIGRATION_DATABASE_URL": f"postgresql://{OWNER}@{base}"}
    found = {**environ, **urls}
    for _ in range(2):  # each release does it again
        with create_app(found).app_context():
            upgrade()
    return found


@pytest.fixture
def limited(settings: dict[str, str], redis_server: Redis) -> Iterator[Flask]:
    """The app as web and worker have it, its context pushed."""
    web = {name: value for name, value in settings.items() if name != "MIGRATION_DATABASE_URL"}
    app = create_app(web, TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    app.test_client_class = Client
    app.extensions["outgoing"] = Outgoing(allow_http=True, allow_private=True)
    with RedisClient.from_url(redis_server.url) as connection:
        connection.flushall()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    app.extensions["bell"].close()
    app.extensions["ask"].close()


def test_the_role_may_do_all_that_the_product_does_and_nothing_else(limited: Flask) -> None:
    connection = db.session.connection()
    assert connection.scalar(text("SELECT current_user")) == APP
    assert list(too_few(connection)) == []
    assert list(too_many(connection)) == []


def test_a_whole_day_is_lived_with_those_rights(limited: Flask, redis_server: Redis) -> None:
    with http_receiver() as receiver, RedisClient.from_url(redis_server.url) as redis:
        life = live(limited, redis, receiver)
        assert {callback.state.value for callback in life.callbacks} == {"processed", "unprocessed", "invalid"}
        assert receiver.received
        assert life.clients["nobody"].get("/health").json["database"] == "ok"


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE callbacks CASCADE",
        "TRUNCATE callbacks CASCADE",
        "DELETE FROM callbacks",
        "DELETE FROM orders",
        "DELETE FROM activity",
        "DROP TRIGGER callbacks_are_kept ON callbacks",
        "ALTER TABLE callbacks DISABLE TRIGGER ALL",
        "ALTER TABLE callbacks ALTER COLUMN body TYPE bytea USING ''::bytea",
        "ALTER TABLE callbacks RENAME TO gone",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "DROP FUNCTION refuse_change() CASCADE",
        "CREATE TABLE more (id int)",
        "CREATE TRIGGER another BEFORE INSERT ON callbacks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET session_replication_role = replica",
        "COPY callbacks TO PROGRAM 'true'",
        "DROP SCHEMA public CASCADE",
        "ALTER ROLE web_and_worker SUPERUSER",
        "UPDATE callbacks SET body = ''",
        "UPDATE bodies SET body = ''",
        "DELETE FROM requests",
        "TRUNCATE requests_default",
        "INSERT INTO requests_default SELECT * FROM requests",
        "ALTER TABLE requests DETACH PARTITION requests_default",
        "CREATE TABLE requests_1999_01 PARTITION OF requests FOR VALUES FROM ('1999-01-01') TO ('1999-02-01')",
        "UPDATE activity SET why = ''",
        "UPDATE orders SET number = 'x'",
        "UPDATE messages SET account_id = 1",
    ],
)
def test_what_keeps_callbacks_is_not_the_apps_to_lift(limited: Flask, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner|kept for ever"):
        db.session.execute(text(statement))


def test_what_may_be_deleted_is_what_the_product_deletes(limited: Flask) -> None:
    tables = {table.name for table in Base.metadata.sorted_tables}
    may = text("SELECT has_table_privilege(current_user, :table, 'DELETE')")
    assert {table for table in tables if db.session.scalar(may, {"table": table})} == set(DELETED_FROM)


def test_a_role_that_is_missing_is_said_so(settings: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    nobody = {**settings, "DATABASE_URL": settings["DATABASE_URL"].replace(APP, "nobody_here")}
    with create_app(nobody).app_context(), pytest.raises(SystemExit):
        upgrade()
    assert "Make it first: CREATE ROLE nobody_here LOGIN" in caplog.text


def test_with_one_address_the_one_role_owns_all_and_that_is_said(app: Flask) -> None:
    """It works; `flask doctor` tells."""
    assert list(too_few(db.session.connection())) == []
    assert [more.partition(",")[0] for more in too_many(db.session.connection())] == ["owns the tables"]
    assert app_role(app.config["SQLALCHEMY_DATABASE_URI"], app.config["MIGRATION_DATABASE_URI"]) is None
