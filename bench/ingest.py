"""Callbacks received a second beside a bare Flask view that does one durable INSERT, both under gunicorn, by wrk.

`python -m bench.ingest [rounds]`. Each request is signed, of 2.5 kB, and sent once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import requests

from dev.services import free_port
from shopcallbacks.extensions import db

from .bare import TABLE
from .place import place

ROUNDS, SECONDS, CONNECTIONS, MOST_A_SECOND = 5, 5, 16, 5_000
LINE = "{:20} {:>10} {:>8} {:>8} {:>8} {:>8} {:>22} {:>6}"
HERE = Path(__file__).parent
# What Stripe sends besides what we read, so that a request weighs what a real one does.
FURTHER = {f"payment_method_options_{n}": {"request_three_d_secure": "automatic", "network": None} for n in range(22)}


@dataclass(frozen=True)
class Round:
    """`rate` a second, `p50` and `p99` in ms; processor in ms a request, of the web server and of PostgreSQL."""

    rate: float
    p50: float
    p99: float
    cpu: float
    database_cpu: float


@dataclass(frozen=True)
class Web:
    url: str
    process: psutil.Process
    database: psutil.Process


def used(process: psutil.Process) -> float:
    """Seconds of processor that it and what it forked has used so far, those that have ended too."""
    seconds = sum(process.cpu_times()[:4])
    for one in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended just now
            seconds += sum(one.cpu_times()[:2])
    return seconds


def postmaster(url: str) -> psutil.Process:
    with psycopg.connect(url) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
        assert parent is not None
        return parent


@contextmanager
def serving(app: str, environ: dict[str, str]) -> Iterator[Web]:
    """gunicorn with our settings, two processes."""
    port = free_port()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**environ, "PATH": path, "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2"}
    process = subprocess.Popen(["gunicorn", app], env=env, stderr=subprocess.DEVNULL)
    web = Web(f"http://127.0.0.1:{port}", psutil.Process(process.pid), postmaster(environ["DATABASE_URL"]))
    try:
        while True:
            try:
                requests.get(web.url + "/health", timeout=2)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield web
    finally:
        process.terminate()
        process.wait()


def write_requests(file: Path, count: int, path: str, secret: str) -> None:
    """So many genuine Stripe callbacks for orders of their own, as HTTP/1.1 has them."""
    at, salt = int(time.time()), time.time_ns()
    with file.open("wb") as out:
        for n in range(count):
            paid = {"id": f"pi_{salt}{n}", "object": "payment_intent", "amount": 4990, "amount_received": 4990}
            paid |= {"currency": "eur", "metadata": {"order_id": f"26-{n}"}, "status": "succeeded", **FURTHER}
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


def load(web: Web, path: str, secret: str, seconds: int = SECONDS, connections: int = CONNECTIONS) -> Round:
    """wrk at full speed for that long. Any failure, or a request sent twice, ends the run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requests")
        write_requests(file, seconds * MOST_A_SECOND, path, secret)
        before = used(web.process), used(web.database)
        told = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "load.lua", web.url, "--", file],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        cpu, database_cpu = used(web.process) - before[0], used(web.database) - before[1]
    found = json.loads(told.split("JSON ", 1)[1])
    assert not found["failed"], told
    assert not found["repeated"], told
    count, seconds_ = found["requests"], found["seconds"]
    return Round(count / seconds_, found["p50"], found["p99"], 1000 * cpu / count, 1000 * database_cpu / count)


def line(name: str, rounds: list[Round], beside: list[Round]) -> str:
    def middle(of: str, some: list[Round]) -> float:
        return statistics.median(getattr(one, of) for one in some)

    ratios = [ours.rate / other.rate for ours, other in zip(rounds, beside, strict=True)]
    figures = [middle(of, rounds) for of in ("rate", "p50", "p99", "cpu", "database_cpu")]
    rate = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return LINE.format(name, *map("{:,.2f}".format, figures), rate, f"{figures[3] / middle('cpu', beside):.2f}")


def main(rounds: int = ROUNDS) -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing, and clients in Python would share the cores with the server: apt-get install wrk")
    with place() as (_, account, environ):
        with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(TABLE)
        path = urlsplit(account.callback_url).path
        db.session.rollback()
        with serving("app:app", environ) as web, serving("bench.bare:app", environ) as bare:
            ours, other = [], []
            for _ in range(rounds):
                other.append(load(bare, path, "whsec_bench"))
                ours.append(load(web, path, "whsec_bench"))
    print(LINE.format("", "a second", "p50 ms", "p99 ms", "cpu ms", "pg ms", "rate, as a ratio", "cpu"))
    print(line("bare durable insert", other, other))
    print(line("callbacks received", ours, other))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
