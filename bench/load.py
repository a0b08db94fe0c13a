"""Signed Stripe callbacks of 2.5 kB, each sent once, by wrk: clients in Python would take the cores of the server."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .web import Web, used

SECONDS, CONNECTIONS, MOST_A_SECOND = 5, 16, 5_000
SECRET = "whsec_bench"
SCRIPT = Path(__file__).parent / "load.lua"
# What Stripe sends besides what we read, so that a request weighs what a real one does.
FURTHER = {f"payment_method_options_{n}": {"request_three_d_secure": "automatic", "network": None} for n in range(22)}


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
    """For that long, at full speed or with pauses between. Any failure, or a request sent twice, ends the run.

    The orders are `prefix` and a number from 0 on.
    """
    _need_wrk()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requests")
        most = seconds * (connections * 1000 // pause_ms if pause_ms else MOST_A_SECOND) + connections
        write_requests(file, most, path, prefix)
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


def write_requests(file: Path, count: int, path: str, prefix: str = "26-", secret: str = SECRET) -> None:
    """So many genuine Stripe callbacks for orders of their own, as HTTP/1.1 has them."""
    at, salt = int(time.time()), time.time_ns()
    with file.open("wb") as out:
        for n in range(count):
            paid = {"id": f"pi_{salt}{n}", "object": "payment_intent", "amount": 5990, "amount_received": 5990}
            paid |= {"currency": "eur", "metadata": {"order_number": f"{prefix}{n}"}, "status": "succeeded", **FURTHER}
            event = {"id": f"evt_{salt}{n}", "object": "event", "type": "payment_intent.succeeded", "livemode": True}
            body = json.dumps({**event, "created": at, "data": {"object": paid}}, indent=2).encode()
            signature = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)"
                "\r\nAccept: */*; q=0.5, application/xml\r\nCache-Control: no-cache\r\n"
                f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                f"Stripe-Signature: t={at},v1={signature}\r\n\r\n"
            ).encode()
            out.write(b"%d\n" % len(head + body) + head + body)


def _need_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing, and clients in Python would share the cores with the server: apt-get install wrk")
