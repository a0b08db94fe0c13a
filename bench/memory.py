"""What a web process and a worker's child hold, at the start and after a load of so many minutes.

BENCH_MINUTES says how many (2; the goals are for 60).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from shopcallbacks.extensions import db

from .load import handed_in, load, most
from .people import hired, logged_in
from .place import place
from .table import Bound, Line, Row
from .web import largest, serving, working

MINUTES, SECONDS = float(os.environ.get("BENCH_MINUTES", "2")), 5
# What people look at meanwhile.
SCREENS = ("/", "/callbacks?tab=all", "/callbacks.csv?tab=processed", "/orders", "/callbacks/causes")


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        hired(account.shop)
        path = account.callback_path
        db.session.rollback()  # a transaction that stands still for a minute is ended
        with serving("app:app", environ) as web, working(environ) as worker:
            session = logged_in(web.url)

            def used() -> None:
                load(web, path, SECONDS, prefix=handed_in(account, most(SECONDS)))
                for screen in SCREENS:
                    assert session.get(web.url + screen, timeout=60).ok, screen

            used()
            web_before, worker_before = largest(web.process), largest(worker)
            until = time.monotonic() + 60 * MINUTES
            while time.monotonic() < until:
                used()
            web_after, worker_after = largest(web.process), largest(worker)
        least = "at the start"
        after = f"after {MINUTES:g} minutes of load"
        yield Line(f"a web process {after}", least, "MiB", [web_after], [web_before], 1.2, less_is_better=True)
        yield Line(f"a worker {after}", least, "MiB", [worker_after], [worker_before], 1.2, less_is_better=True)
        yield Bound("a web process", "MiB", [web_after], 130)
        yield Bound("a worker's child", "MiB", [worker_after], 120)
