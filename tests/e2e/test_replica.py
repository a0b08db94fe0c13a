"""Beside a real streaming replica: what is read there, and that the primary serves where it can't."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from dev.services import HOST, POSTGRES_BIN, Postgres, _not_as_root
from shopcallbacks import create_app
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role
from tests.conftest import ROLE, Client
from tests.factories import log_in, make_account, make_callback, make_order, make_token, make_user, message, process

PROGRAM = POSTGRES_BIN / "pg_basebackup"
WITHIN_S = 60.0

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="this PostgreSQL came without pg_basebackup")


class Standby(Postgres):
    """A replica that begins as a copy of the primary and follows it."""

    def __init__(self, primary: Postgres) -> None:
        super().__init__(primary.folder.parent / f"{primary.folder.name}-standby", durable=False)
        self._primary = primary

    def prepare(self) -> None:
        if not self._data.exists():
            source = f"host={HOST} port={self._primary.port} user=postgres"
            copy = [PROGRAM, "-d", source, "-D", self._data, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
            subprocess.run([*_not_as_root(), *copy], cwd=self.folder, check=True, capture_output=True)
        super().prepare()


@pytest.fixture(scope="module")
def standby(postgres_server: Postgres, environ: dict[str, str]) -> Iterator[Standby]:
    server = Standby(postgres_server)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def beside(app: Flask, environ: dict[str, str], standby: Standby) -> Iterator[Callable[[int], Flask]]:
    """Apps on the empty database that read from the replica, so many seconds behind at most."""
    made: list[Flask] = []

    def make(lag_s: int) -> Flask:
        url = f"postgresql://{ROLE}@{HOST}:{standby.port}/test"
        settings = {**environ, "READ_DATABASE_URL": url, "READ_LAG_SECONDS": str(lag_s)}
        made.append(create_app(settings, TESTING=True, WTF_CSRF_ENABLED=False))
        made[-1].test_client_class = Client
        return made[-1]

    yield make
    for one in made:
        with one.app_context():
            for engine in db.engines.values():
                engine.dispose()
        for name in ("bell", "counters", "door", "ask"):
            one.extensions[name].close()


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account(slug="stripe")


def known(client: FlaskClient, account: GatewayAccount) -> FlaskClient:
    """A manager's browser, who did something a while ago: to log in is to act."""
    log_in(client, make_user(Role.manager, account.shop))
    with client.session_transaction() as session:
        session.pop("acted", None)
    return client


def arrives(account: GatewayAccount, number: str) -> None:
    make_callback(account, message(make_order(account.shop, number)))
    process()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)


@contextmanager
def standing_still(standby: Standby, primary: Postgres) -> Iterator[None]:
    """It shows what was committed before, and nothing that is committed in here."""
    with (
        psycopg.connect(f"postgresql://postgres@{HOST}:{standby.port}/postgres", autocommit=True) as replica,
        psycopg.connect(f"postgresql://postgres@{HOST}:{primary.port}/postgres", autocommit=True) as written,
    ):
        place = written.execute("SELECT CAST(pg_current_wal_insert_lsn() AS text)").fetchone()
        assert place is not None
        until(lambda: replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", place).fetchone() == (True,))
        replica.execute("SELECT pg_wal_replay_pause()")
        until(lambda: replica.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",))
        try:
            yield
        finally:
            replica.execute("SELECT pg_wal_replay_resume()")


LISTS = ("/callbacks?tab=all", "/callbacks.csv?tab=all", "/orders", "/search?q=251123", "/download?what=orders")


def shown(client: FlaskClient, path: str, number: str) -> bool:
    with client.get(path) as answer:
        assert answer.status_code == 200, path
        return number in answer.get_data(as_text=True)


def test_lists_and_files_come_from_the_replica_and_what_somebody_did_is_seen_by_them_at_once(
    beside: Callable[[int], Flask], account: GatewayAccount, standby: Standby, postgres_server: Postgres
) -> None:
    app = beside(60)
    manager, other = known(app.test_client(), account), known(app.test_client(), account)
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {make_token(account.shop, Scope.read)}"
    arrives(account, "251123-before")
    with standing_still(standby, postgres_server):
        arrives(account, "251123-after")
        for path in (*LISTS, "/api/callbacks?tab=all"):
            reader = program if path.startswith("/api") else manager
            assert (shown(reader, path, "251123-before"), shown(reader, path, "251123-after")) == (True, False), path
        assert shown(manager, "/orders/2", "251123-after")  # one thing is the primary's
        assert manager.post("/callbacks/2/notes", data={"text": "seen"}).status_code < 400
        assert [shown(manager, path, "251123-after") for path in LISTS] == [True] * len(LISTS)
        assert not shown(other, "/orders", "251123-after")
    until(lambda: shown(other, "/orders", "251123-after"))


def test_the_primary_serves_while_the_replica_is_too_far_behind(
    beside: Callable[[int], Flask], account: GatewayAccount, standby: Standby, postgres_server: Postgres
) -> None:
    manager = known(beside(1).test_client(), account)
    arrives(account, "251123-before")
    with standing_still(standby, postgres_server):
        arrives(account, "251123-after")
        until(lambda: shown(manager, "/orders", "251123-after"))
        assert all(shown(manager, path, "251123-after") for path in LISTS)


def test_the_primary_serves_while_the_replica_is_away_and_what_it_cut_off_is_asked_once_more(
    beside: Callable[[int], Flask], account: GatewayAccount, standby: Standby
) -> None:
    app = beside(60)
    manager = known(app.test_client(), account)
    arrives(account, "251123-1")
    until(lambda: shown(manager, "/orders", "251123-1"))
    standby.stop()
    try:
        assert all(shown(manager, path, "251123-1") for path in ("/orders", *LISTS))
    finally:
        standby.start()


def test_a_database_that_takes_writes_itself_is_no_replica(
    environ: dict[str, str], app: Flask, account: GatewayAccount, caplog: pytest.LogCaptureFixture
) -> None:
    made = create_app({**environ, "READ_DATABASE_URL": environ["DATABASE_URL"]}, TESTING=True, WTF_CSRF_ENABLED=False)
    made.test_client_class = Client
    arrives(account, "251123-1")
    assert shown(known(made.test_client(), account), "/orders", "251123-1")
    assert "READ_DATABASE_URL is no replica" in caplog.text
    with made.app_context():
        for engine in db.engines.values():
            engine.dispose()
    for name in ("bell", "counters", "door", "ask"):
        made.extensions[name].close()
