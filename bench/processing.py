"""Callbacks verified and applied by workers, beside RQ's no-op jobs and beside the barest loop that does as much."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis
from rq import Queue, SimpleWorker

from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from . import claim_loop
from .place import hand_in, nothing, paid, place
from .table import Line, Row, in_turns
from .web import running

COUNT, JOBS, OF_TWO = 3_000, 500, 6_000
_numbers = itertools.count()
DRAIN = """
import sys
from app import app
from shopcallbacks.jobs import drain
with app.app_context():
    drain(asks=False)
    print("ready", flush=True)
    sys.stdin.readline()
    while drain(asks=False):
        pass
"""


class Jobs(SimpleWorker):
    """RQ's worker in our own process, which ends as it did before."""

    def _install_signal_handlers(self) -> None:
        """None."""


def measure() -> Iterator[Row]:
    with place() as (app, account, environ):
        redis = Redis.from_url(app.config["REDIS_URL"])

        def processed() -> float:
            arrive(account, COUNT)
            started = time.perf_counter()
            while drain(asks=False):
                pass
            return COUNT / (time.perf_counter() - started)

        def no_ops() -> float:
            queue = Queue("bench", connection=redis)
            for _ in range(JOBS):
                queue.enqueue(nothing, result_ttl=0)
            started = time.perf_counter()
            Jobs([queue], connection=redis).work(burst=True, logging_level="ERROR")
            return JOBS / (time.perf_counter() - started)

        def by(workers: int) -> float:
            """By so many workers in processes of their own."""
            with ExitStack() as stack:
                processes = [stack.enter_context(_draining(environ)) for _ in range(workers)]
                arrive(account, OF_TWO)
                started = time.perf_counter()
                for process in processes:
                    _go(process)
                for process in processes:
                    process.communicate()
                return OF_TWO / (time.perf_counter() - started)

        processed()  # everything is imported and prepared
        yield Line("callbacks processed by one worker", "RQ's no-op jobs", "/s", *in_turns(processed, no_ops), 20)
        loop = claim_loop.made(environ["DATABASE_URL"], COUNT)
        yield Line("the same", "a bare claim loop of 100", "/s", *in_turns(processed, loop), 0.5)
        yield Line("by two workers", "by one", "/s", *in_turns(lambda: by(2), lambda: by(1)), 1.6)


def arrive(account: GatewayAccount, count: int) -> None:
    """So many callbacks that pay an order each, and the orders."""
    numbers = [f"26-{next(_numbers)}" for _ in range(count)]
    hand_in(account, numbers)
    for number in numbers:
        door().keeper.keep(paid(account, number), account.id, account.shop_id, asks=False)
    db.session.commit()


@contextmanager
def _draining(environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with running([sys.executable, "-c", DRAIN], environ, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
