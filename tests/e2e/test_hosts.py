"""Two hosts, each with web and worker in a folder and at an address of its own, on one PostgreSQL and one Redis: one is
cut off in the middle of its work, and later comes back.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests
from flask import Flask
from sqlalchemy import func, select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import KeptBody
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Entry, OrderState, State
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from tests.factories import make_account, make_order, message, request_for
from tests.processes import ROOT, Site, site, until

MANY = 80


def installed(folder: Path) -> Path:
    """The product in a folder of its own."""
    folder.mkdir()
    for name in ("app.py", "worker.py", "gunicorn.conf.py", "shopcallbacks", "templates", "static", "migrations"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def processes(host: Site) -> list[psutil.Process]:
    parents = [psutil.Process(host.pid(name)) for name in host.running]
    return [one for parent in parents for one in (parent, *parent.children(recursive=True))]


def test_a_host_that_is_cut_off_loses_nothing_and_stops_nobody(
    app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    account = make_account()
    path = account.callback_path
    calls = [request_for(account, message(make_order(account.shop))) for _ in range(MANY)]
    db.session.rollback()
    first, second = (installed(tmp_path / name) for name in ("first", "second"))
    with (
        site(environ, first, host="127.0.0.2", folder=first) as one,
        site(environ, second, host="127.0.0.3", folder=second) as other,
    ):
        turns = itertools.cycle((one.url, other.url))

        def call(request: Request) -> None:
            """As a gateway does behind a balancer: again, until somebody answers."""
            for url in turns:
                try:
                    answer = requests.post(url + path, data=request.body, headers=dict(request.headers), timeout=1)
                except requests.RequestException:
                    continue
                if answer.status_code == 200:
                    return

        with ThreadPoolExecutor(8) as pool:
            calling = pool.map(call, calls)
            until(lambda: _count(Callback.state == State.processed) > MANY // 8)
            cut_off = processes(other)
            for process in cut_off:
                process.suspend()
            list(calling)
        until(lambda: _opened() == MANY)
        for process in cut_off:
            process.resume()
        until(lambda: requests.get(f"{other.url}/health", timeout=10).status_code == 200)
        until(lambda: _count(Callback.state != State.processed) == 0)
    assert _opened() == MANY
    assert {bytes(body) for body in db.session.scalars(select(KeptBody.body))} == {request.body for request in calls}
    assert _count(Callback.reason == Reason.crashed) == 0
    assert db.session.scalar(select(func.count(LedgerRow.id)).where(LedgerRow.entry == Entry.payment)) == MANY
    places = db.session.scalars(select(OrderEvent.position).order_by(OrderEvent.position)).all()
    assert list(places) == list(range(1, len(places) + 1))


def _opened() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Order.id)).where(Order.state == OrderState.open)) or 0


def _count(*where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Callback.id)).where(*where)) or 0  # type: ignore[arg-type]
