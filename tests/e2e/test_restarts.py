"""A release under load: web and workers stop politely, one after the other; nothing fails and nothing is lost."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import requests
from flask import Flask
from redis import Redis as RedisClient
from rq import Worker
from sqlalchemy import func, select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Lane, OrderState, State
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount
from tests.factories import make_account, make_order, message, request_for
from tests.processes import site, until


class Load:
    """Gateways that call without a pause, each time over a new connection. `url` says where they are sent just now."""

    def __init__(self, account: GatewayAccount, url: Callable[[], str], calls: int = 150, threads: int = 3) -> None:
        self._url, self._path = url, account.callback_path
        requests_ = [request_for(account, message(make_order(account.shop))) for _ in range(calls)]
        self._calls = iter(requests_)
        self._lock = threading.Lock()
        self.codes: list[object] = []
        self.in_flight: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._call) for _ in range(threads)]
        db.session.rollback()

    def _call(self) -> None:
        while True:
            with self._lock:
                request = next(self._calls, None)
            if request is None:
                return
            with self._lock:
                url = self._url()
                self.in_flight[url] += 1
            try:
                answer = requests.post(url + self._path, data=request.body, headers=dict(request.headers), timeout=30)
                self.codes.append(answer.status_code)
            except requests.RequestException as error:
                self.codes.append(error)
            with self._lock:
                self.in_flight[url] -= 1

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def after(self, count: int) -> None:
        """Waits until so many were answered."""
        until(lambda: len(self.codes) >= count, 120)

    def end(self) -> None:
        for thread in self._threads:
            thread.join()


class HalfSent:
    """A call of which the server has the head and half of the body."""

    def __init__(self, url: str, path: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        self._connection.putrequest("POST", path)
        self._connection.putheader("Content-Length", "8")
        self._connection.endheaders(b"half")
        threading.Event().wait(0.5)  # until the server reads it

    def rest(self) -> int:
        self._connection.send(b"rest")
        return self._connection.getresponse().status

    def __enter__(self) -> HalfSent:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _count(*where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Callback.id)).where(*where)) or 0  # type: ignore[arg-type]


def test_no_call_fails_while_the_web_server_renews_its_workers(
    app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    account = make_account()
    with site(environ, tmp_path, worker=False) as running:
        load = Load(account, lambda: running.url)
        load.start()
        for count in (30, 80):
            load.after(count)
            requests.get(f"{running.url}/health", timeout=10)
            os.kill(running.pid("web"), signal.SIGHUP)
        load.end()
    assert load.codes == [200] * 150
    assert _count() == 150


def test_no_call_fails_while_one_web_server_takes_over_from_another(
    app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    """The balancer sends nothing new to the old one and then stops it; what that has in hand it finishes."""
    account = make_account()
    (tmp_path / "new").mkdir()
    with site(environ, tmp_path, worker=False) as old, site(environ, tmp_path / "new", worker=False) as new:
        now = [old.url]
        load = Load(account, lambda: now[0])
        load.start()
        load.after(50)
        with HalfSent(old.url, account.callback_path) as half:
            now[0] = new.url
            until(lambda: load.in_flight[old.url] == 0)
            os.kill(old.pid("web"), signal.SIGTERM)
            load.after(80)
            assert half.rest() == 200
        load.end()
        old.reap("web")
    assert load.codes == [200] * 150
    assert _count() == 151


def test_nothing_is_lost_or_done_twice_while_the_workers_are_renewed_one_after_the_other(
    app: Flask, environ: dict[str, str], tmp_path: Path, redis_client: RedisClient
) -> None:
    account = make_account()
    with site(environ, tmp_path) as running:
        running.start("worker two")
        until(lambda: Worker.count(redis_client) == 2 * len(Lane))  # who does not work yet need not stop politely
        load = Load(account, lambda: running.url)
        load.start()
        for count, name in ((30, "worker"), (80, "worker two")):
            load.after(count)
            assert running.stop(name, signal.SIGTERM) == 0
            running.start(name)
        load.end()
        until(lambda: _count(Callback.state == State.processed) == 150)
    assert load.codes == [200] * 150
    assert _count(Callback.attempt_count != 1) == 0
    assert _count(Callback.reason == Reason.crashed) == 0
    assert db.session.scalar(select(func.count(Order.id)).where(Order.state == OrderState.open)) == 150
