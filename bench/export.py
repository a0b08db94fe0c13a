"""The CSV of a million callbacks, beside COPY of the same columns without any guard."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import psycopg

from shopcallbacks.panel.download.callbacks import callbacks
from shopcallbacks.panel.download.csv import write_csv
from shopcallbacks.panel.filter import Filter

from .place import fill, place
from .table import Bound, Line, Row, in_turns

ROWS, STEP = 20_000, 10_000
BARE = "id, received_at, state, detail, order_number, transaction_id, event_id, amount_minor, encode(digest, 'hex')"


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        for first in range(1, ROWS, STEP):
            fill(account, STEP, first)
        firsts: list[float] = []

        def ours() -> float:
            started = time.perf_counter()
            blocks = iter(write_csv(callbacks(Filter.from_query("tab=all"), account.shop)))
            lines = next(blocks).count(b"\n")
            firsts.append((time.perf_counter() - started) * 1000)
            lines += sum(block.count(b"\n") for block in blocks)
            assert lines == ROWS + 1
            return ROWS / (time.perf_counter() - started)

        def bare() -> float:
            started = time.perf_counter()
            query = f"COPY (SELECT {BARE} FROM callbacks) TO STDOUT (FORMAT csv)"
            with psycopg.connect(environ["DATABASE_URL"]) as connection, connection.cursor().copy(query) as rows:
                lines = sum(bytes(block).count(b"\n") for block in rows)
            assert lines == ROWS
            return ROWS / (time.perf_counter() - started)

        before = _peak()
        yield Line("CSV of 1,000,000 callbacks", "COPY to stdout", "rows/s", *in_turns(ours, bare), 0.7)
        yield Bound("its memory, above idle", "MiB", [_peak() - before], 32)
        yield Bound("its first byte", "ms", firsts, 200)


def _peak() -> float:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
