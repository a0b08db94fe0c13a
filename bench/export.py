"""The CSV of many callbacks, beside COPY of the same columns without any guard.

BENCH_CALLBACKS says how many (100,000; the goals are for 1,000,000).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
import psycopg
from sqlalchemy import select

from dev.filling import fill
from shopcallbacks import create_app
from shopcallbacks.extensions import db
from shopcallbacks.panel.download.callbacks import callbacks
from shopcallbacks.panel.download.csv import write_csv
from shopcallbacks.panel.download.export import Export
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shops.accounts import Shop

from .place import place
from .table import Bound, Line, Row, in_turns
from .web import memory

ROWS, STEP = int(os.environ.get("BENCH_CALLBACKS", "100000")), 100_000
LOOK_EVERY = 10  # blocks of 64 KiB
# Column by column what the CSV holds, as it stands; what that says in words and in a code, twice.
BARE = """
SELECT c.id, c.received_at, a.slug, a.gateway_name, c.state, c.reason, c.reason, c.detail, c.outcome, c.order_number,
    c.transaction_id, c.event_id, c.amount_minor, c.currency, o.state, o.state, o.amount_minor, c.attempt_count,
    c.verdict, c.verdict, c.settled_at, c.imported_at, encode(c.digest, 'hex'), c.test
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
            blocks = _all(account.shop)
            lines = next(blocks).count(b"\n")  # the head, which asks nothing of the database
            lines += next(blocks).count(b"\n")
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

        yield Line(f"CSV of {ROWS:,} callbacks", "COPY to stdout", "rows/s", *in_turns(ours, bare), 0.7)
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            above = fresh.submit(_above_idle, environ).result()
        yield Bound("its memory, above idle", "MiB", [above], 32)
        yield Bound("its first rows", "ms", firsts, 200)


def _all(shop: Shop) -> Export:
    return write_csv(callbacks(Filter.from_query("tab=all"), shop))


def _above_idle(environ: dict[str, str]) -> float:
    """MiB that a process which has done nothing else holds at most, above what it held before."""
    own = psutil.Process()
    with create_app(environ).app_context():
        shop = db.session.scalars(select(Shop)).one()
        idle = memory(own)
        return max(memory(own) for n, _ in enumerate(_all(shop)) if not n % LOOK_EVERY) - idle
