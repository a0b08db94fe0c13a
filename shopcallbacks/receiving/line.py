"""A plain line to the database: no session, no transaction of several statements, nothing left open behind it.

A statement goes out as it is written, with PostgreSQL's own names for its values: to look for other ones in a long
statement, each time, took a third of what it takes to send it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg
from psycopg.pq import ConnStatus
from sqlalchemy import make_url

# Gateways wait ten seconds or so: before they hang up they hear that their callback is not kept.
STATEMENT_TIMEOUT = "8s"
# Nor do they wait for a database that says nothing; and once it could not be reached nobody tries for a while.
IMPATIENT = {"connect_timeout": 2, "tcp_user_timeout": 8_000}
QUIET_S = 1.0


class Line:
    """One autocommit connection, for one at a time: opened when it is needed, and anew when it has died."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        url = make_url(config["SQLALCHEMY_DATABASE_URI"]).set(drivername="postgresql")
        arguments = {**config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"], **IMPATIENT}
        if "options" in arguments:  # not behind a pooler
            arguments["options"] += f" -c statement_timeout={STATEMENT_TIMEOUT}"
        self._url, self._arguments = url.render_as_string(hide_password=False), arguments
        self._turn = Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._quiet_until = 0.0

    def run(self, statement: bytes, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows it returns; committed when this returns. `psycopg.Error` where it failed, or may have.

        Its values are $1, $2, ...
        """
        with self._opened() as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def try_out(self, statement: bytes, values: Sequence[Any]) -> None:
        """Runs it and takes it back. `psycopg.Error` where it failed."""
        with self._opened() as connection, connection.transaction(force_rollback=True):
            connection.execute(statement, values)

    @contextmanager
    def _opened(self) -> Iterator[psycopg.Connection[Any]]:
        with self._turn:
            connection = self._open()
            try:
                yield connection
            except psycopg.Error:
                raise
            except BaseException:  # stopped in the middle: what the connection says next is nobody's
                connection.close()
                raise

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or not _lives(self._connection):
            self.close()
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> psycopg.Connection[Any]:
        if time.monotonic() < self._quiet_until:
            raise psycopg.OperationalError("the database could not be reached a moment ago")
        try:
            return psycopg.connect(self._url, autocommit=True, cursor_factory=psycopg.RawCursor, **self._arguments)
        except psycopg.Error:
            self._quiet_until = time.monotonic() + QUIET_S
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _lives(connection: psycopg.Connection[Any]) -> bool:
    """Told without asking the server: a session that it ended has its farewell, then its end, in the socket already.

    So nothing is sent into a dead connection, and nothing need be sent twice.
    """
    if connection.closed:
        return False
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return connection.pgconn.status == ConnStatus.OK
