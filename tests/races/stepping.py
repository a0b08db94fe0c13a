"""Writers against each other, each with a connection of its own: one is stopped between two statements, others begin.

A ring of locks shows itself when the first, stopped while it holds a lock, goes on: it wants what another took
meanwhile, which waits for the first.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, ExceptionContext

from shopcallbacks.extensions import db

LONG_S = 60.0  # on a busy machine two dozen writers take their time, and whoever is stopped stands still meanwhile
# Behind these a writer may hold a row that it did not hold before; what else writes, writes its own.
_LOCKS = re.compile(
    r"\bFOR (NO KEY )?UPDATE\b|\A\s*UPDATE (callbacks|endpoints|feeds|gateway_accounts)\b"
    r"|\A\s*INSERT INTO (feeds|orders|ledger|activity|activities|deliveries|search_entries)\b"
)

_here = threading.local()


class Writer(threading.Thread):
    """Runs the work in an app context of its own. `stop_after`: stops behind so many statements that lock something."""

    def __init__(self, app: Flask, name: str, work: Callable[[], object], stop_after: int = 0) -> None:
        super().__init__(name=name, daemon=True)
        self._app, self._work, self._stop_after = app, work, stop_after
        self.locking = 0
        self.backend: int | None = None
        self.stopped, self.go_on = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        _here.writer = self
        try:
            with self._app.app_context():
                self._work()
                db.session.rollback()
        except BaseException as error:
            self.error = error
        finally:
            self.stopped.set()

    def passed(self, statement: str, cursor: Any) -> None:
        """Behind a statement."""
        if not _LOCKS.search(statement):
            return
        self.locking += 1
        if self.locking == self._stop_after:
            cursor.connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{LONG_S:.0f}s'")
            self.stopped.set()
            assert self.go_on.wait(LONG_S)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The SQLSTATEs of all that the database refused, in whatever thread."""
    refused: list[str] = []

    def begins(conn: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        writer = getattr(_here, "writer", None)
        if writer is not None:
            writer.backend = cursor.connection.info.backend_pid

    def ended(conn: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        writer = getattr(_here, "writer", None)
        if writer is not None:
            writer.passed(statement, cursor)

    def waits_long(connection: Any, record: Any) -> None:
        connection.execute(f"SET lock_timeout = '{LONG_S:.0f}s'")
        connection.commit()

    def broke(context: ExceptionContext) -> None:
        refused.append(str(getattr(context.original_exception, "sqlstate", None)))

    event.listen(db.engine, "connect", waits_long)
    event.listen(db.engine, "before_cursor_execute", begins)
    event.listen(db.engine, "after_cursor_execute", ended)
    event.listen(db.engine, "handle_error", broke)
    try:
        yield refused
    finally:
        event.remove(db.engine, "connect", waits_long)
        event.remove(db.engine, "before_cursor_execute", begins)
        event.remove(db.engine, "after_cursor_execute", ended)
        event.remove(db.engine, "handle_error", broke)


def finish_or_wait(writer: Writer, look: Connection) -> None:
    """Begins it, and returns once it has ended or waits for a lock."""
    writer.start()
    until = time.monotonic() + LONG_S
    while writer.is_alive() and time.monotonic() < until:
        writer.join(0.004)
        if writer.is_alive() and _waits_for_a_lock(look, writer):
            return


def _waits_for_a_lock(look: Connection, writer: Writer) -> bool:
    if writer.backend is None:
        return False
    found = look.execute(text("SELECT cardinality(pg_blocking_pids(:pid)) > 0"), {"pid": writer.backend})
    return found.scalar_one() is True
