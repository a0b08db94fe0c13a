"""Upgrades under traffic: from each revision to the next, while a door of the first release keeps callbacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, event, func, inspect, select, text

from shopcallbacks import ROOT
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import requests_of
from shopcallbacks.domain.states import State
from shopcallbacks.extensions import db

from ..processes import until
from .test_payments import AT_FIRST

PAUSE_S = 0.01
LONG = {"callbacks", "attempts", "messages", "orders", "order_events", "ledger", "payments"}
HEADERS = [["X-Twice", "b"], ["X-Twice", "a"], ["X-Latin", "caf\xe9"]]
KEEP = """
INSERT INTO callbacks (shop_id, account_id, method, path, query, headers, body, address, received_at, digest, state,
    detail, version, attempt_count, tries, asks, due_at, due_kind)
VALUES (%(shop)s, %(account)s, 'POST', '/x', %(query)b, %(headers)s, %(body)b, '192.0.2.1', now(), %(digest)b,
    'received', '', 0, 0, 0, false, now(), 'first')
RETURNING id
"""


@dataclass
class Door:
    """Of the first release, in a process that nobody has replaced yet. `kept`: the bodies, by the callbacks' ids.

    It waits for a lock as long as writers of ours do; what it is refused it does not try again.
    """

    url: str
    shop: int
    account: int
    kept: dict[int, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        number = 0
        with psycopg.connect(self.url, autocommit=True, options="-c lock_timeout=10s -c statement_timeout=15s") as to:
            while not self._over.wait(PAUSE_S):
                number += 1
                body = b"\x00\xff %d" % number
                try:
                    self.kept[self._keep(to, body)] = body
                except psycopg.Error as error:
                    self.refused.append(f"{number}: {error}")

    def _keep(self, to: psycopg.Connection, body: bytes) -> int:
        values = {"shop": self.shop, "account": self.account, "headers": Jsonb(HEADERS), "body": body}
        row = to.execute(KEEP, {**values, "query": b"a=%ff", "digest": b"digest " + body}).fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def open(self) -> Iterator[None]:
        thread = threading.Thread(target=self.work)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def keeps_more(self) -> bool:
        """Whether it still does."""
        before = len(self.kept)
        until(lambda: len(self.kept) > before or self.refused)
        return not self.refused


def revisions() -> list[str]:
    """From the first to the newest."""
    return [one.revision for one in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][::-1]


def test_callbacks_are_kept_during_the_upgrade_from_each_revision_to_the_next(empty_app: Flask) -> None:
    first, *later = revisions()
    upgrade(revision=first)
    shop, account = (db.session.scalar(text(statement)) for statement in AT_FIRST)
    db.session.commit()
    door = Door(db.engine.url.render_as_string(hide_password=False).replace("+psycopg", ""), shop, account)
    with door.open():
        for revision in later:
            upgrade(revision=revision)
            assert door.keeps_more(), f"{revision}: {door.refused}"
    assert len(door.kept) > len(later)
    assert_all_there(door)


def test_no_migration_behind_0005_makes_an_index_while_a_long_table_is_shut(empty_app: Flask) -> None:
    shut: set[str] = set()

    def look(_: Any, cursor: psycopg.Cursor, statement: str, *__: Any) -> None:
        if "INDEX" in statement:
            locked = "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'ShareLock'"
            shut.update(name for (name,) in cursor.execute(f"{locked} AND locktype = 'relation'"))

    upgrade(revision="0005")
    event.listen(Engine, "after_cursor_execute", look)
    try:
        for revision in revisions()[revisions().index("0005") + 1 :]:
            with db.engine.connect() as connection:
                before = LONG & {*inspect(connection).get_table_names()}
            shut.clear()
            upgrade(revision=revision)
            assert not shut & before, revision
    finally:
        event.remove(Engine, "after_cursor_execute", look)


def test_an_upgrade_takes_as_long_as_it_takes_whatever_limits_the_role_has(old_app: Flask) -> None:
    for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        db.session.execute(text(f"ALTER DATABASE {db.engine.url.database} SET {limit} = '50ms'"))
    db.session.commit()
    lock = {"lock": 0x5C0}

    def upgraded() -> None:
        with old_app.app_context():
            upgrade()

    with db.engine.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SELECT pg_advisory_lock(:lock)"), lock)
        other.commit()
        upgrading = pool.submit(upgraded)
        time.sleep(3)
        other.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)
        other.commit()
        upgrading.result()


def test_an_upgrade_leaves_what_a_later_release_made_and_says_so(
    old_app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.session.commit()
    upgrade()
    assert "The database is at 9999, of a later release: there is nothing to migrate." in capsys.readouterr().out
    assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def assert_all_there(door: Door) -> None:
    """Each as it came, and still to be looked at."""
    assert db.session.scalar(select(func.count()).where(Callback.state == State.received)) == len(door.kept)
    arrivals = [(row.id, row.received_at) for row in db.session.execute(select(Callback.id, Callback.received_at))]
    found = requests_of(arrivals)
    assert {id_: request.body for id_, request in found.items()} == door.kept
    for request in found.values():
        assert (request.method, request.path, request.query) == ("POST", "/x", b"a=%ff")
        assert request.headers == tuple((name, value) for name, value in HEADERS)
        assert request.address == "192.0.2.1"
    assert db.session.scalar(select(func.count()).where(Callback.due_at <= func.now())) == len(door.kept)
