"""Server time of each screen and each of its polls where much is kept, beside the same where little is, in turns.

BENCH_CALLBACKS says how much (250,000; the goals are for 5,000,000, which take some half an hour and 40 GB to fill in).
One in a hundred waits for a person. What is filled in came one each second: the later the further back.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import text

from dev.filling import fill
from shopcallbacks.extensions import db

from .people import hired
from .place import place
from .table import Bound, Line, Row

LITTLE, MUCH, STEP, LOOKS = 5_000, int(os.environ.get("BENCH_CALLBACKS", "250000")), 250_000, 40
SCREENS = {
    "/": "dashboard",
    "/queue": "its widget, polled",
    "/queue/count": "the count in the bar, polled",
    "/undecided": "its payments to decide on, polled",
    "/first": "its first callbacks, polled",
    "/results": "its results",
    "/callbacks": "panel",
    "/callbacks?tab=processed": "panel, processed",
    "/callbacks?tab=all": "panel, all",
    "/callbacks?tab=all&sort=-amount": "panel, all by amount",
    "/callbacks/news?tab=all&shown=": "its news, polled",
    "/callbacks?tab=all&q=filled-7": "panel, search by an order",
    "/callbacks?tab=all&q=paid": "panel, search by a word that all have",
    "/callbacks/causes": "by cause",
    "/callbacks/{id}": "a callback",
    "/callbacks/{id}/row": "its row, polled",
    "/orders": "orders",
    "/orders?number=filled-77": "orders, found by number",
    "/orders/{order}": "an order",
    "/search?q=filled-77": "the one search",
    "/activity": "activity",
    "/bulk/new?verb=retry&all=1": "bulk retry, asked",
}
BY_A_WORD = "q=paid"


def measure() -> Iterator[Row]:
    with _filled(LITTLE) as little, _filled(MUCH) as much:
        gc.freeze()  # as the web server does
        for address, name in SCREENS.items():
            pair = _in_turns(much, little, address)
            yield Line(f"{name}, of {MUCH:,}: p95", f"of {LITTLE:,}", "ms", *pair, 1.5, less_is_better=True)
            yield Bound(f"{name}: p95", "ms", pair[0], 150 if BY_A_WORD in address else 60)


@dataclass(frozen=True)
class Filled:
    """A site with so many callbacks, and somebody who is logged in. `ids`: what stands for `{id}` and `{order}`."""

    client: FlaskClient
    ids: dict[str, int]

    def look(self, address: str) -> float:
        """Milliseconds until the answer is there."""
        started = time.perf_counter()
        assert self.client.get(address.format(**self.ids)).status_code in (200, 204), address
        return (time.perf_counter() - started) * 1000


@contextmanager
def _filled(count: int) -> Iterator[Filled]:
    with place() as (app, account, _):
        app.config["WTF_CSRF_ENABLED"] = False
        client = app.test_client()
        assert client.post("/login", data=hired(account.shop)).status_code == 303
        for first in range(1, count + 1, STEP):
            began, filled = time.monotonic(), min(STEP, count - first + 1)
            fill(account, filled, first)
            print(f"{filled:,} filled in: {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True)
        ids = {
            "id": db.session.scalar(text("SELECT max(id) FROM callbacks WHERE state = 'unprocessed'")),
            "order": db.session.scalar(text("SELECT max(id) FROM orders")),
        }
        db.session.rollback()
        yield Filled(client, ids)


def _in_turns(one: Filled, other: Filled, address: str) -> tuple[list[float], list[float]]:
    """Of 95 in 100 looks, at one and at the other in turns. The first is not counted: it finds caches empty."""

    def look() -> list[tuple[float, float]]:
        return [(one.look(address), other.look(address)) for _ in range(1 + LOOKS)]

    with ThreadPoolExecutor(1) as aside:  # where no context stands, so that each request has its own
        found = zip(*aside.submit(look).result()[1:], strict=True)
    ours, theirs = ([statistics.quantiles(took, n=20)[-1]] for took in found)
    return ours, theirs
