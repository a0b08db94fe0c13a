"""Server time of each screen and each of its polls where much is kept, beside the same where little is.

BENCH_CALLBACKS says how much (250,000; the goals are for 5,000,000, which take some half an hour and 40 GB to fill in).
One in a hundred waits for a person. What is filled in came one each second: the later the further back.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient
from sqlalchemy import text

from dev.filling import fill
from shopcallbacks.extensions import db

from .people import hired
from .place import place
from .table import Bound, Line, Row

LITTLE, MUCH, STEP, LOOKS = 5_000, int(os.environ.get("BENCH_CALLBACKS", "250000")), 250_000, 20
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
    with place() as (app, account, _):
        app.config["WTF_CSRF_ENABLED"] = False
        client = app.test_client()
        form = hired(account.shop)
        assert client.post("/login", data=form).status_code == 303
        fill(account, LITTLE)
        little = _looked(client)
        for first in range(LITTLE + 1, MUCH, STEP):
            began = time.monotonic()
            fill(account, min(STEP, MUCH - first + 1), first)
            print(
                f"filled in up to {first + STEP - 1:,}: {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True
            )
        much = _looked(client)
    for address, name in SCREENS.items():
        pair, beside = ([much[address]], [little[address]]), f"of {LITTLE:,}"
        yield Line(f"{name}, of {MUCH:,}: p95", beside, "ms", *pair, 1.5, less_is_better=True)
        yield Bound(f"{name}: p95", "ms", [much[address]], 150 if BY_A_WORD in address else 60)


def _looked(client: FlaskClient) -> dict[str, float]:
    """Milliseconds until the answer of each is there, of 95 in 100 looks. The first is not counted: it finds caches
    empty.
    """
    ids = {
        "id": db.session.scalar(text("SELECT max(id) FROM callbacks WHERE state = 'unprocessed'")),
        "order": db.session.scalar(text("SELECT max(id) FROM orders")),
    }
    db.session.rollback()
    with ThreadPoolExecutor(1) as aside:  # where no context stands, so that each request has its own
        return {address: aside.submit(_p95, client, address.format(**ids)).result() for address in SCREENS}


def _p95(client: FlaskClient, address: str) -> float:
    took = []
    for _ in range(1 + LOOKS):
        started = time.perf_counter()
        assert client.get(address).status_code in (200, 204), address
        took.append((time.perf_counter() - started) * 1000)
    return statistics.quantiles(took[1:], n=20)[-1]
