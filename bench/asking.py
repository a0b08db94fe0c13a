"""Gateways that are asked and answer after 300 ms: what one worker settles, beside one conversation at a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from .place import hand_in, place
from .table import Line, Row

ANSWERS_AFTER_S, ACCOUNTS, EACH, ROUNDS = 0.3, 4, 75, 3
PAYPAL = "www.paypal.com", "ipnpb.paypal.com", "www.sandbox.paypal.com", "ipnpb.sandbox.paypal.com"


class Slow(BaseHTTPRequestHandler):
    """PayPal's side, which believes everything in the end."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(ANSWERS_AFTER_S)
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"VERIFIED")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def slow_gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.request_queue_size = 128
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def measure() -> Iterator[Row]:
    with slow_gateway() as url, place(GATEWAY_HOSTS=json.dumps(dict.fromkeys(PAYPAL, url))) as (_, stripe, _):
        accounts = [
            GatewayAccount.add(stripe.shop, "paypal_ipn", f"paypal-{n}", {"receiver_emails": ["shop@example.com"]})
            for n in range(ACCOUNTS)
        ]
        db.session.commit()
        rates = [_settled(accounts, n) for n in range(ROUNDS)]
        one_by_one = [1 / ANSWERS_AFTER_S] * ROUNDS
        yield Line("asked gateways, 300 ms, one worker", "one at a time", "/s", rates, one_by_one, 15)


def _settled(accounts: list[GatewayAccount], turn: int) -> float:
    count = 0
    for account in accounts:
        numbers = [f"{turn}-{account.id}-{n}" for n in range(EACH)]
        hand_in(account, numbers)
        for number in numbers:
            said = Message(Outcome.paid, number, f"T{number}", None, Money(5990, "EUR"), test=False)
            example = account.gateway.example(account.settings_at(utcnow())[0], said, utcnow())
            assert example is not None
            door().keeper.keep(example.request, account.id, account.shop_id, asks=True)
            count += 1
    db.session.commit()
    started = time.perf_counter()
    while drain(asks=True):
        pass
    return count / (time.perf_counter() - started)
