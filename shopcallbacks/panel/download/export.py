"""A file on its way to who asked for it: few at a time in a process, for it may take as long as its reader likes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import cast

from sqlalchemy import Connection, Engine, text

from ...domain.errors import Busy
from ...extensions import db

BLOCK = 64 * 1024
MOST_AT_A_TIME = 2

_free = BoundedSemaphore(MOST_AT_A_TIME)


class Export(Iterator[bytes]):
    """The file in blocks. Its place is free again once it is read to the end, closed or forgotten; `Busy` while as many
    as may be are on their way.
    """

    def __init__(self, blocks: Generator[bytes]) -> None:
        self._blocks = blocks
        self._holds = _free.acquire(blocking=False)
        if not self._holds:
            raise Busy

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._blocks.close()
        if self._holds:
            self._holds = False
            _free.release()

    __del__ = close


def reading_engine() -> Engine:
    """Of the database from which just now is read."""
    return cast("Engine", db.session.get_bind())


@contextmanager
def own_connection(engine: Engine, zone: str, sorts: bool = True) -> Iterator[Connection]:
    """One that is not the pool's, so that a slow reader keeps none of them, and without a limit of time."""
    with engine.connect() as connection:
        connection.detach()
        connection.execute(_FOR_ONE, {"zone": zone, "sort": "on" if sorts else "off"})
        yield connection


_FOR_ONE = text(
    "SELECT set_config('statement_timeout', '0', true), set_config('TimeZone', :zone, true), "
    "set_config('enable_sort', :sort, true)"
)
