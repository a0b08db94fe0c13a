"""Genuine callbacks at a steady pace, from their sending to their answer and to their open order, seen from outside."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count

import psycopg
import requests

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount

from .place import hand_in, paid
from .web import Web, serving, working

RATE, LONGEST_S = 10, 60.0
_numbers = count()


@contextmanager
def site(environ: dict[str, str]) -> Iterator[Web]:
    """The web server's two processes and a worker."""
    with serving("app:app", environ) as web, working(environ):
        yield web


@dataclass
class Steady:
    """Callbacks at a steady pace. `answered`, `opened`: how long each took, in seconds from its sending."""

    answered: list[float]
    opened: list[float]


def steady(web: Web, account: GatewayAccount, database: str, seconds: float, rate: int = RATE) -> Steady:
    """So many a second for that long, each for an order of its own."""
    numbers = [f"beside-{next(_numbers)}" for _ in range(int(seconds * rate))]
    hand_in(account, numbers)
    calls = [(number, paid(account, number)) for number in numbers]
    path = account.callback_path
    db.session.rollback()
    sent: dict[str, float] = {}
    answered: list[float] = []

    def send(number: str, body: bytes, headers: dict[str, str]) -> None:
        sent[number] = time.perf_counter()
        answer = requests.post(web.url + path, data=body, headers=headers, timeout=30)
        answered.append(time.perf_counter() - sent[number])
        assert answer.status_code == 200, answer.status_code

    watch = threading.Thread(target=lambda: opened.update(_opened(database, numbers, sent)))
    opened: dict[str, float] = {}
    watch.start()
    threads = []
    for number, call in calls:
        threads.append(threading.Thread(target=send, args=(number, call.body, dict(call.headers))))
        threads[-1].start()
        time.sleep(1 / rate)
    for one in (*threads, watch):
        one.join()
    missing = len(numbers) - len(opened)
    assert not missing, f"{missing} orders were not open after {LONGEST_S:g} s"
    return Steady(answered, [opened[number] - sent[number] for number in numbers])


def _opened(database: str, numbers: list[str], sent: dict[str, float]) -> dict[str, float]:
    """When each order was seen open, a look every 5 ms at those whose callbacks were sent."""
    seen: dict[str, float] = {}
    until = time.perf_counter() + len(numbers) / RATE + LONGEST_S
    with psycopg.connect(database, autocommit=True) as connection:
        while len(seen) < len(numbers) and time.perf_counter() < until:
            left = [number for number in list(sent) if number not in seen]
            query = "SELECT number FROM orders WHERE number = ANY(%s) AND state = 'open'"
            found = connection.execute(query, [left]).fetchall()
            seen |= {number: time.perf_counter() for (number,) in found}
            time.sleep(0.005)
    return seen


def p99(some: list[float]) -> float:
    return statistics.quantiles(some, n=100, method="inclusive")[98]


def compare(name: str, alone: list[list[float]], beside: list[list[float]], names: tuple[str, str]) -> None:
    """Prints both, and the p99 as a ratio, round by round."""
    for which, rounds in zip(names, (alone, beside), strict=True):
        each = list(chain.from_iterable(rounds))
        print(f"{name}, {which}: p50 {1000 * statistics.median(each):,.0f} ms, p99 {1000 * p99(each):,.0f} ms")
    ratios = [p99(one) / p99(other) for one, other in zip(beside, alone, strict=True)]
    print(f"p99 as a ratio: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
