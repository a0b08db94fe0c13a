"""When callbacks are done, seen from outside: times that are written in a transaction are of before its commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

EVERY_S, WITHIN_S = 0.005, 120.0
SEEN = "CREATE TEMP TABLE seen (id bigint PRIMARY KEY, ms float)"
LOOK = """
INSERT INTO seen SELECT id, extract(epoch FROM clock_timestamp() - received_at) * 1000 FROM {table} AS came
WHERE id > {newest} AND state = 'processed' AND {only} AND NOT EXISTS (SELECT FROM seen WHERE seen.id = came.id)
"""


@contextmanager
def looking(url: str, table: str, only: str = "true") -> Iterator[Callable[[int], list[float]]]:
    """Looks every 5 ms at what comes into the table from here on. What is given waits for so many that are processed,
    and tells how many ms it took from each one's arrival until that was seen.
    """
    over = threading.Event()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SEEN)
        (newest,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone() or (0,)
        look = LOOK.format(table=table, newest=newest, only=only)

        def watch() -> None:
            while not over.wait(EVERY_S):
                connection.execute(look)

        def seen(count: int) -> list[float]:
            until = time.monotonic() + WITHIN_S
            while len(found := connection.execute("SELECT ms FROM seen").fetchall()) < count:
                assert time.monotonic() < until, f"{len(found)} of {count} are processed"
                time.sleep(0.2)
            return [ms for (ms,) in found]

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield seen
        finally:
            over.set()
            watching.join()
