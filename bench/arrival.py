"""From a callback's arrival until its open order is seen, beside one durable commit and one RQ job each: at half of the
rate that the slower of both carries, so that neither has a queue.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from shopcallbacks.extensions import db

from .bare import TABLE
from .load import handed_in, load, most
from .place import place
from .seen import WITHIN_S, looking
from .table import Line, Row
from .web import Web, serving, working

SECONDS, CONNECTIONS, ROUNDS, FULL_SECONDS = 6, 8, 3, 3
CARRIED = """
SELECT count(*) FILTER (WHERE {at} IS NULL), count(*) / extract(epoch FROM max({at}) - min(received_at)) FROM {table}
"""


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        url = environ["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
        path = urlsplit(account.callback_url).path
        db.session.rollback()
        rq = (sys.executable, "-m", "bench.job_worker")
        with (
            serving("app:app", environ) as web,
            serving("bench.bare:with_job", environ) as bare,
            working(environ),
            working(environ, *rq),
        ):
            load(bare, path, FULL_SECONDS)
            rates = [_carried(url, "bare", "done_at")]
            load(web, path, FULL_SECONDS, prefix=handed_in(account, most(FULL_SECONDS)))
            rates.append(_carried(url, "callbacks", "settled_at"))
            pause = max(int(1000 * CONNECTIONS / (min(rates) / 2)) - 2, 1)
            ours, other = [], []
            for _ in range(ROUNDS):
                prefix = handed_in(account, most(SECONDS, CONNECTIONS, pause))
                other.append(_took(bare, path, url, "bare", pause))
                ours.append(_took(web, path, url, "callbacks", pause, prefix))
        what, beside = "arrival to open order, at half of what both carry", "one durable commit + one RQ job"
        for place_, name in ((0, "p50"), (1, "p99")):
            figures = [one[place_] for one in ours], [one[place_] for one in other]
            yield Line(f"{what}, {name}", beside, "ms", *figures, 3, less_is_better=True)


def _carried(url: str, table: str, at: str) -> float:
    """So many a second, from the first arrival to the end of the last."""
    until = time.monotonic() + WITHIN_S
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            left, rate = connection.execute(CARRIED.format(table=table, at=at)).fetchone() or (1, 0)
            if not left:
                return float(rate)
            assert time.monotonic() < until, f"{left} are not done"
            time.sleep(0.2)


def _took(web: Web, path: str, url: str, table: str, pause: int, prefix: str = "") -> tuple[float, float]:
    """p50 and p99, in ms."""
    with looking(url, table) as seen:
        told = load(web, path, SECONDS, CONNECTIONS, pause, prefix)
        hundredths = statistics.quantiles(seen(told.count), n=100)
    return hundredths[49], hundredths[98]
