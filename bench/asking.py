"""Gateways that are asked and answer after 300 ms: what one worker settles, beside one conversation at a time; and what
an account whose gateway answers at once feels of them.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from shopcallbacks.bells import ring
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Lane
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from .place import hand_in, place
from .seen import looking
from .table import Line, Row, in_turns
from .web import working

ANSWERS_AFTER_S, ACCOUNTS, EACH, ONE_BY_ONE = 0.3, 4, 75, 10
QUICK, QUICK_COUNT, QUICK_RATE = "quick", 60, 10
PAYPAL = "www.paypal.com", "ipnpb.paypal.com", "www.sandbox.paypal.com", "ipnpb.sandbox.paypal.com"


class Slow(BaseHTTPRequestHandler):
    """PayPal's side, which believes everything in the end, and at once what is quick."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if QUICK.encode() not in body:
            time.sleep(ANSWERS_AFTER_S)
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"VERIFIED")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def _serve(told: Connection) -> None:
    with Server(("127.0.0.1", 0), Slow) as server:
        told.send(server.server_port)
        server.serve_forever()


@contextmanager
def slow_gateway() -> Iterator[str]:
    """In a process of its own, so that it takes no turn of the worker's."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=[its], daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def measure() -> Iterator[Row]:
    with slow_gateway() as url, place(GATEWAY_HOSTS=json.dumps(dict.fromkeys(PAYPAL, url))) as (_, stripe, environ):
        names = [*(f"paypal-{n}" for n in range(ACCOUNTS)), QUICK]
        settings = {"receiver_emails": ["shop@example.com"]}
        *slow, quick = [GatewayAccount.add(stripe.shop, "paypal_ipn", name, settings) for name in names]
        db.session.commit()
        rates = in_turns(lambda: _settled(slow), lambda: _one_by_one(slow[0]))
        yield Line("asked gateways, 300 ms, one worker", "one at a time", "/s", *rates, 15)
        with working(environ):
            database = environ["DATABASE_URL"]
            _quick(database, quick)  # the worker is there
            p99 = in_turns(lambda: _quick(database, quick, beside=slow[0]), lambda: _quick(database, quick))
        yield Line("another account meanwhile, p99", "with none asked", "ms", *p99, 1.2, less_is_better=True)


def _settled(accounts: list[GatewayAccount]) -> float:
    for account in accounts:
        _arrive(account, EACH)
    return len(accounts) * EACH / _drained()


def _one_by_one(account: GatewayAccount) -> float:
    """The same worker with one callback at a time."""
    took = 0.0
    for _ in range(ONE_BY_ONE):
        _arrive(account, 1)
        took += _drained()
    return ONE_BY_ONE / took


def _drained() -> float:
    """Seconds until nothing is due any more, of what has arrived before."""
    started = time.perf_counter()
    while drain(asks=True):
        pass
    return time.perf_counter() - started


def _quick(url: str, account: GatewayAccount, beside: GatewayAccount | None = None) -> float:
    """From arrival until the open order is seen, of 99 in 100; while so many of the other account wait."""
    if beside is not None:
        _arrive(beside, 2 * EACH)
    of_it = f"account_id = {account.id}"
    db.session.commit()
    with looking(url, "callbacks", of_it) as seen:
        for _ in range(QUICK_COUNT):
            _arrive(account, 1)
            time.sleep(1 / QUICK_RATE)
        return statistics.quantiles(seen(QUICK_COUNT), n=100, method="inclusive")[98]


def _arrive(account: GatewayAccount, count: int) -> None:
    """So many that pay an order each, kept by the door, which rings."""
    numbers = [f"{account.slug}-{time.time_ns()}-{n}" for n in range(count)]
    hand_in(account, numbers)
    for number in numbers:
        said = Message(Outcome.paid, number, f"T{number}", None, Money(5990, "EUR"), test=False)
        example = account.gateway.example(account.settings_at(utcnow())[0], said, utcnow())
        assert example is not None
        door().keeper.keep(example.request, account.id, account.shop_id, asks=True)
    ring(Lane.asking)
    db.session.commit()
