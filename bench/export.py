"""The CSV of many callbacks, beside COPY of the same columns without any guard.

BENCH_CALLBACKS says how many (100,000; the goals are for 1,000,000).
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator

import psycopg

from dev.filling import fill
from shopcallbacks.panel.download.callbacks import callbacks
from shopcallbacks.panel.download.csv import write_csv
from shopcallbacks.panel.filter import Filter

from .place import place
from .table import Bound, Line, Row, in_turns

ROWS, STEP = int(os.environ.get("BENCH_CALLBACKS", "100000")), 100_000
# All that the CSV holds, as it stands.
BARE = """
SELECT c.id, c.received_at, a.slug, a.gateway_name, c.state, c.reason, c.detail, c.outcome, c.order_number,
    c.transaction_id, c.event_id, c.amount_minor, c.currency, o.state, o.amount_minor, c.attempt_count, c.verdict,
    c.settled_at, c.imported_at, encode(c.digest, 'hex')
FROM callbacks c JOIN gateway_accounts a ON a.id = c.account_id LEFT JOIN orders o ON o.id = c.order_id
ORDER BY c.received_at DESC, c.id DESC
"""


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        for first in range(1, ROWS, STEP):
            fill(account, min(STEP, ROWS - first + 1), first)
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
            query = f"COPY ({BARE}) TO STDOUT (FORMAT csv)"
            with psycopg.connect(environ["DATABASE_URL"]) as connection, connection.cursor().copy(query) as rows:
                lines = sum(bytes(block).count(b"\n") for block in rows)
            assert lines == ROWS
            return ROWS / (time.perf_counter() - started)

        before = _peak()
        yield Line(f"CSV of {ROWS:,} callbacks", "COPY to stdout", "rows/s", *in_turns(ours, bare), 0.7)
        yield Bound("its memory, above idle", "MiB", [_peak() - before], 32)
        yield Bound("its first byte", "ms", firsts, 200)


def _peak() -> float:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
