"""From a callback's arrival to its open order, at half of full load, beside one durable commit and one RQ job each."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from shopcallbacks.extensions import db

from .bare import TABLE
from .load import load
from .place import hand_in, place
from .table import Line, Row
from .web import Web, serving, working

SECONDS, CONNECTIONS, ROUNDS, WITHIN_S = 6, 8, 3, 60.0
OURS = """
SELECT extract(epoch FROM e.at - c.received_at) * 1000
FROM order_events e JOIN callbacks c ON c.id = e.callback_id WHERE e.kind = 'opened' AND e.number LIKE %s
"""
BARE = "SELECT extract(epoch FROM done_at - received_at) * 1000 FROM bare WHERE done_at IS NOT NULL"
_prefixes = itertools.count()


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
            most = load(bare, path, seconds=3).rate
            _drained(url, "SELECT count(*) FROM bare WHERE done_at IS NULL")
            pause = max(int(1000 * CONNECTIONS / (most / 2)) - 2, 1)
            ours, other = [], []
            for _ in range(ROUNDS):
                other.append(_jobs(bare, path, url, pause))
                prefix = f"{next(_prefixes)}-"
                hand_in(account, (f"{prefix}{n}" for n in range(SECONDS * CONNECTIONS * 1000 // pause + CONNECTIONS)))
                ours.append(_orders(web, path, url, pause, prefix))
        what, beside = "arrival to open order, half of full load", "one durable commit + one RQ job"
        for place_, name in ((0, "p50"), (1, "p99")):
            figures = [one[place_] for one in ours], [one[place_] for one in other]
            yield Line(f"{what}, {name}", beside, "ms", *figures, 3, less_is_better=True)


def _orders(web: Web, path: str, url: str, pause: int, prefix: str) -> tuple[float, float]:
    told = load(web, path, SECONDS, CONNECTIONS, pause, prefix)
    until = time.monotonic() + WITHIN_S
    while len(found := _asked(url, OURS, f"{prefix}%")) < told.count:
        assert time.monotonic() < until, f"{len(found)} of {told.count} orders are open"
        time.sleep(0.2)
    return _percentiles(found)


def _jobs(bare: Web, path: str, url: str, pause: int) -> tuple[float, float]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE bare")
    load(bare, path, SECONDS, CONNECTIONS, pause)
    _drained(url, "SELECT count(*) FROM bare WHERE done_at IS NULL")
    return _percentiles(_asked(url, BARE))


def _drained(url: str, left: str) -> None:
    until = time.monotonic() + WITHIN_S
    while _asked(url, left)[0]:
        assert time.monotonic() < until, "the jobs are not done"
        time.sleep(0.2)


def _asked(url: str, statement: str, *values: str) -> list[float]:
    with psycopg.connect(url) as connection:
        return [float(value) for (value,) in connection.execute(statement, values or None)]


def _percentiles(found: list[float]) -> tuple[float, float]:
    hundredths = statistics.quantiles(found, n=100)
    return hundredths[49], hundredths[98]
