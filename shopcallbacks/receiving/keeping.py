"""Keeping: one statement for all callbacks that arrive together, committed before any of them is answered.

A thread does it for the process: it takes all that wait, and keeps them, while the next ones gather. So a commit is
shared by as many as there are, and a callback that comes alone is kept at once. Large bodies take long to keep: they
have another thread, and hold up only each other.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, ProgramLimitExceeded
from psycopg.types.json import Jsonb

from ..callbacks.requests import digest_of
from ..domain.states import AttemptKind, State
from ..domain.values import Request
from .line import Line

log = logging.getLogger(__name__)

MOST = 64
MOST_BYTES = 4 * 1024 * 1024
PATIENCE_S = 9  # a little longer than a statement may take
LARGE_BYTES = 64 * 1024  # most callbacks have a few thousand
# The callback, its request, and what that says where nobody said it yet today: all of them, or none. Bodies go in by
# their key, so that two that keep the same ones wait for each other in one order. When it came, and from when on it is
# due, is told by the database's clock: what came before an order was handed in must not hang on a web server's.
KEEP = f"""
WITH came AS MATERIALIZED (
    SELECT nextval('callbacks_id_seq') AS id, coalesce(at, statement_timestamp()) AS received_at, given.*
    FROM (VALUES {{rows}}) AS given (shop_id, account_id, method, path, query, headers, body, address, at, digest, asks)
), with_requests AS (
    INSERT INTO requests (callback_id, received_at, method, path, headers, address)
    SELECT id, received_at, method, path, headers, address FROM came
), with_bodies AS (
    INSERT INTO bodies (day, account_id, digest, query, body)
    SELECT CAST(received_at AT TIME ZONE 'UTC' AS date), account_id, digest, query, body FROM came ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
)
INSERT INTO callbacks (id, shop_id, account_id, received_at, digest, asks, due_at, due_kind, state, detail, version,
                       attempt_count, tries)
SELECT id, shop_id, account_id, received_at, digest, asks, statement_timestamp(), '{AttemptKind.first}',
       '{State.received}', '', 0, 0, 0
FROM came ORDER BY id RETURNING id
"""
ROW = "(${}, ${}, ${}, ${}, ${}, ${}, ${}, ${}, ${}::timestamptz, ${}, ${})"
# Each tells that nothing of the statement was done, and that one of its rows may be why. Of all else the others would
# hear the same, each after as long.
OF_A_ROW = (psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)


class NotKept(Exception):
    """The store is away, or took it in no way we can be sure of: the gateway must send it again."""


@dataclass(eq=False)
class _Waiting:
    values: tuple[Any, ...]
    size: int
    done: Event = field(default_factory=Event)
    id: int | None = None


_Queue = SimpleQueue[_Waiting | None]


class Keeper:
    """`lines`: one for each thread, the last one for large bodies."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._waiting: list[_Queue] = [SimpleQueue() for _ in lines]
        self._beginning = Lock()
        self._threads: list[Thread] = []

    def keep(self, request: Request, account_id: int, shop_id: int, asks: bool, at: datetime | None = None) -> int:
        """Keeps the request, durable when this returns. Its id; `NotKept` where it may not be kept.

        `at`: when it came, where that is not now, as in a history that is made up.
        """
        if not self._threads:
            self._begin()
        mine = _Waiting(_values(request, account_id, shop_id, asks, at), len(request.body))
        self._waiting[-1 if mine.size > LARGE_BYTES else 0].put(mine)
        mine.done.wait(PATIENCE_S)
        mine.done.set()
        if mine.id is None:
            raise NotKept
        return mine.id

    def close(self) -> None:
        for waiting, thread in zip(self._waiting, self._threads, strict=False):  # none of which has begun, perhaps
            waiting.put(None)
            thread.join()
            while not waiting.empty():  # came behind the end
                if one := waiting.get():
                    one.done.set()
        self._threads = []

    def _begin(self) -> None:
        """With the first callback, so that a process forked before has threads of its own."""
        with self._beginning:
            if not self._threads:
                each = zip(self._lines, self._waiting, strict=True)
                threads = [Thread(target=_run, args=one, name="keeper", daemon=True) for one in each]
                for thread in threads:
                    thread.start()
                self._threads = threads


def _run(line: Line, waiting: _Queue) -> None:
    while (first := waiting.get()) is not None:
        # Who waits no more is told to send it again.
        batch = [one for one in _with_others(first, waiting) if not one.done.is_set()]
        if not batch:
            continue
        try:
            _keep(batch, line)
        except psycopg.Error as error:
            _tell(batch, error)
        except Exception:
            log.exception("%d callbacks were not kept", len(batch))
        finally:
            for one in batch:
                one.done.set()


def _with_others(first: _Waiting, waiting: _Queue) -> list[_Waiting]:
    """As many as have come and fit into one statement."""
    batch, size = [first], first.size
    while len(batch) < MOST and size < MOST_BYTES:
        try:
            other = waiting.get_nowait()
        except Empty:
            break
        if other is None:  # the end, for the next look
            waiting.put(None)
            break
        batch.append(other)
        size += other.size
    return batch


def _keep(batch: list[_Waiting], line: Line) -> None:
    """What it raises has left them as they were, but for those that are done."""
    try:
        kept = _insert(batch, line)
    except OF_A_ROW as error:
        _tell(batch, error)
        if len(batch) > 1:
            for one in batch:
                _keep([one], line)
                one.done.set()
        return
    for one, (id_,) in zip(batch, kept, strict=True):
        one.id = id_


def _insert(batch: list[_Waiting], line: Line) -> list[tuple[Any, ...]]:
    statement, values = _statement(len(batch)), [value for one in batch for value in one.values]
    try:
        return line.run(statement, values)
    except DeadlockDetected:  # by chance, and undone
        return line.run(statement, values)


def _tell(batch: list[_Waiting], error: psycopg.Error) -> None:
    left = sum(not one.done.is_set() for one in batch)
    log.error("The store did not take %d callbacks: %s %s", left, type(error).__name__, error.sqlstate)


@cache
def _statement(rows: int) -> bytes:
    given = ", ".join([ROW] * rows)
    return KEEP.format(rows=given.format(*range(1, given.count("$") + 1))).encode()


def _values(request: Request, account_id: int, shop_id: int, asks: bool, at: datetime | None) -> tuple[Any, ...]:
    return (
        shop_id,
        account_id,
        request.method,
        request.path,
        request.query,
        Jsonb(request.headers),
        request.body,
        request.address,
        at,
        digest_of(request),
        asks,
    )
