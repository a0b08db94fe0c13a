"""A bulk retry to its end by real processes, while a manager watches. Side by side at growing numbers of callbacks."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import requests
from sqlalchemy import insert, select, text

from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.orders.order import Order
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role, User

from .ingest import serving
from .live import log_in
from .place import paid, place

SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or list(SIZES)
    with place() as (_, account, environ), tempfile.TemporaryDirectory() as folder:
        user = User.add("dana@bench.example", "Dana", Role.manager, "correct horse", [account.shop])
        db.session.commit()
        cookie = log_in(environ, folder, user.email)
        served = serving(["gunicorn", "-c", "gunicorn.conf.py", "app:app"], environ, folder)
        with served as url, working(environ) as worker, requests.Session() as manager:
            manager.headers["Cookie"] = cookie
            for size in sizes:
                badly_signed(account, size)
                print(f"{size:,} callbacks", flush=True)
                retry_all(manager, url, size, worker)


def badly_signed(account: GatewayAccount, count: int) -> None:
    """So many genuine callbacks of orders that wait, given up on for a wrong secret, which is right now.

    One is really processed in vain, the others are copies of it but for what they say.
    """
    signer = GatewayAccount.add(account.shop, "stripe", f"signer-{count}", {"signing_secrets": [f"whsec_{count}"]})
    db.session.flush()
    said = {number: paid(signer, number) for number in (f"{count}-{n}" for n in range(count))}
    door().keeper.keep(next(iter(said.values())), account.id, account.shop_id, asks=False)
    db.session.commit()
    while drain(asks=False):
        pass
    callbacks, orders = Callback.__table__, Order.__table__
    given_up = db.session.execute(select(callbacks).order_by(callbacks.c.id.desc()).limit(1)).mappings().one()
    pattern = {name: value for name, value in given_up.items() if name != "id"}
    copies = [
        {**pattern, "headers": [list(pair) for pair in request.headers], "body": request.body}
        for request in list(said.values())[1:]
    ]
    waiting = [
        {"shop_id": account.shop_id, "number": number, "amount_minor": 5990, "currency": "EUR"} for number in said
    ]
    db.session.execute(insert(callbacks), copies)
    db.session.execute(insert(orders), waiting)
    account.configure({"signing_secrets": [f"whsec_{count}"]})
    db.session.commit()
    db.session.execute(text("ANALYZE callbacks, orders"))
    db.session.commit()


def retry_all(manager: requests.Session, url: str, size: int, worker: psutil.Process) -> None:
    print(f"  the panel that shows them: {timed(manager.get, f'{url}/callbacks')[1]:,.0f} ms")
    asked, took = timed(manager.get, f"{url}/bulk/new?verb=retry&all=1")
    print(f"  preview, by the real code: {took:,.0f} ms")
    token = re.search(r'name="csrf_token" value="([^"]+)"', asked.text)
    form = {"csrf_token": token[1] if token else "", "verb": "retry", "all": "1"}
    started = time.monotonic()
    _, took = timed(manager.post, f"{url}/bulk", data=form)
    print(f"  begun, all written down: {took:,.0f} ms")
    run, looks, most = db.session.scalars(select(BulkRun).order_by(BulkRun.id.desc()).limit(1)).one(), list[float](), 0
    assert run.total == size, run.total
    while run.state is RunState.running:
        time.sleep(1)
        looks.append(timed(manager.get, f"{url}/bulk/{run.id}", headers={"HX-Request": "true"})[1])
        looks.append(timed(manager.get, f"{url}/callbacks")[1])
        most = max(most, sum(process.memory_info().rss for process in worker.children(recursive=True)))
        db.session.rollback()
    elapsed = time.monotonic() - started
    assert (run.state, run.succeeded, run.failed) == (RunState.done, size, 0), (run.state, run.succeeded, run.failed)
    opened = db.session.query(Order).filter_by(state="open").count()
    print(f"  done after {elapsed:,.1f} s, {size / elapsed:,.0f} a second; orders opened by now: {opened:,}")
    print(f"  meanwhile its page and the panel: {statistics.median(looks):,.0f} ms, at worst {max(looks):,.0f}")
    print(f"  the workers together: {most / 2**20:,.0f} MiB at most")
    print(f"  receipt: {timed(manager.get, f'{url}/bulk/{run.id}')[1]:,.0f} ms")
    csv, took = timed(manager.get, f"{url}/bulk/{run.id}.csv")
    assert csv.text.count("\n") == size + 1
    print(f"  as CSV: {took:,.0f} ms", flush=True)


def timed(call: Callable[..., requests.Response], url: str, **more: Any) -> tuple[requests.Response, float]:
    """The answer and the milliseconds until all of it was there."""
    started = time.perf_counter()
    answer = call(url, timeout=60, **more)
    assert answer.ok, answer.status_code
    return answer, (time.perf_counter() - started) * 1000


@contextmanager
def working(environ: dict[str, str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen([sys.executable, "worker.py"], env={**os.environ, **environ}, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
