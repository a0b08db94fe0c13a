"""A bulk retry to its end by real processes while a manager watches, beside processing the same when it arrives.

BENCH_BULK says of how many (10,000; the goals are for 100,000).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import requests
from sqlalchemy import select, text

from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain, index
from shopcallbacks.shops.accounts import GatewayAccount

from .people import hired, logged_in, token_of
from .place import hand_in, paid, place
from .storage import keep
from .storm import leave_behind
from .table import Bound, Line, Row
from .web import serving, working

SIZE, WITHIN_S = int(os.environ.get("BENCH_BULK", "10000")), 900.0


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        hired(account.shop)
        leave_behind(account, SIZE)
        started = time.perf_counter()
        while drain(asks=False):
            pass
        arrived = SIZE / (time.perf_counter() - started)
        badly_signed(account, SIZE)
        while index():  # as it is when somebody comes to retry
            pass
        with serving("app:app", environ) as web, working(environ), logged_in(web.url) as manager:
            retried, opened, polled = retry_all(manager, web.url, SIZE)
    yield Line(f"bulk retry of {SIZE:,}", "processed as they arrive", "/s", [retried], [arrived], 0.6)
    yield Bound("the page that shows it, opened meanwhile", "ms", opened, 150)
    yield Bound("the part of it that it asks for each second", "ms", polled, 150)


def badly_signed(account: GatewayAccount, count: int) -> None:
    """So many genuine callbacks of orders that wait, refused for a wrong secret, which is right now."""
    signer = GatewayAccount.add(account.shop, "stripe", f"signer-{count}", {"signing_secrets": [f"whsec_{count}"]})
    db.session.flush()
    numbers = [f"{count}-{n}" for n in range(count)]
    requests_ = [paid(signer, number) for number in numbers]
    hand_in(account, numbers)
    keep(account, requests_)
    while drain(asks=False):
        pass
    account.configure({"signing_secrets": [f"whsec_{count}"]})
    db.session.commit()
    db.session.execute(text("ANALYZE callbacks, orders"))
    db.session.commit()


def retry_all(manager: requests.Session, url: str, size: int) -> tuple[float, list[float], list[float]]:
    """How many a second, from the click to the end; how many ms its page took meanwhile, and what that asks for."""
    asked = manager.get(f"{url}/bulk/new?verb=retry&all=1", timeout=60)
    form = {"csrf_token": token_of(asked), "verb": "retry", "all": "1"}
    opened, polled = list[float](), list[float]()
    started = time.perf_counter()
    assert manager.post(f"{url}/bulk", data=form, timeout=60).ok
    run = db.session.scalars(select(BulkRun).order_by(BulkRun.id.desc()).limit(1)).one()
    assert run.total == size, run.total
    while run.state is RunState.running:
        assert time.perf_counter() - started < WITHIN_S, "it does not come to its end"
        for looks, headers in ((opened, {}), (polled, {"HX-Request": "true"})):
            time.sleep(0.5)
            looked = time.perf_counter()
            assert manager.get(f"{url}/bulk/{run.id}", headers=headers, timeout=60).ok
            looks.append((time.perf_counter() - looked) * 1000)
        db.session.rollback()
    assert (run.state, run.succeeded) == (RunState.done, size), (run.state, run.succeeded)
    return size / (time.perf_counter() - started), opened, polled
