"""Signed Stripe callbacks of 2.5 kB, each sent once, by wrk: clients in Python would take the cores of the server."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from shopcallbacks.shops.accounts import GatewayAccount

from .place import hand_in
from .web import Web, used

SECONDS, CONNECTIONS, MOST_A_SECOND = 5, 16, 5_000
SECRET = "whsec_bench"
SCRIPT = Path(__file__).parent / "load.lua"
# What Stripe sends besides what we read, so that a request weighs what a real one does.
FURTHER = {f"payment_method_options_{n}": {"request_three_d_secure": "automatic", "network": None} for n in range(22)}

_prefixes = itertools.count()


@dataclass(frozen=True)
class Told:
    """What wrk tells. `rate` a second, `p50` and `p99` in ms; processor in ms a request, web server and PostgreSQL."""

    rate: float
    p50: float
    p99: float
    cpu: float
    database_cpu: float
    count: int


def load(
    web: Web,
    path: str,
    seconds: int = SECONDS,
    connections: int = CONNECTIONS,
    pause_ms: int = 0,
    prefix: str = "26-",
) -> Told:
    """For that long, at full speed or with pauses between, of that length in the mean. Any failure, or a request sent
    twice, ends the run.

    The orders are `prefix` and a number from 0 on.
    """
    need_wrk()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requests")
        write_requests(file, most(seconds, connections, pause_ms), path, prefix)
        before = used(web.process), used(web.database)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), web.url, "--", str(file)]
        told = subprocess.run([*command, str(pause_ms)], check=True, capture_output=True, text=True).stdout
        cpu, database_cpu = used(web.process) - before[0], used(web.database) - before[1]
    found = json.loads(told.split("JSON ", 1)[1])
    assert not found["failed"], told
    assert not found["repeated"], told
    count = found["requests"]
    per_ms = 1000 / count
    return Told(count / found["seconds"], found["p50"], found["p99"], cpu * per_ms, database_cpu * per_ms, count)


def most(seconds: int = SECONDS, connections: int = CONNECTIONS, pause_ms: int = 0) -> int:
    """As many as are sent in that time at most."""
    return seconds * (2 * connections * 1000 // pause_ms if pause_ms else MOST_A_SECOND) + connections


def handed_in(account: GatewayAccount, count: int) -> str:
    """So many orders for the callbacks of a load to open; the prefix of their numbers."""
    prefix = f"{next(_prefixes)}-"
    hand_in(account, (f"{prefix}{n}" for n in range(count)))
    return prefix


def write_requests(file: Path, count: int, path: str, prefix: str = "26-", secret: str = SECRET) -> None:
    """So many genuine Stripe callbacks for orders of their own, as HTTP/1.1 has them."""
    at, salt = int(time.time()), time.time_ns()
    with file.open("wb") as out:
        for n in range(count):
            paid = {"id": f"pi_{salt}{n}", "object": "payment_intent", "amount": 5990, "amount_received": 5990}
            paid |= {"currency": "eur", "metadata": {"order_number": f"{prefix}{n}"}, "status": "succeeded", **FURTHER}
            event = {"id": f"evt_{salt}{n}", "object": "event", "type": "payment_intent.succeeded", "livemode": True}
            body = json.dumps({**event, "created": at, "data": {"object": paid}}, indent=2).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)"
                "\r\nAccept: */*; q=0.5, application/xml\r\nCache-Control: no-cache\r\n"
                f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                f"Stripe-Signature: {signature(body, at, secret)}\r\n\r\n"
            ).encode()
            out.write(b"%d\n" % len(head + body) + head + body)


def signature(body: bytes, at: int, secret: str = SECRET) -> str:
    """The header by which Stripe vouches for a body."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def need_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing, and clients in Python would share the cores with the server: apt-get install wrk")
