"""Callbacks that come while all that a down-time left behind still waits, beside the same with nothing waiting.

They are kept as fast as it goes, then made to have come one after the other in an hour.

Arguments: how many wait (20,000); rounds (2).
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from sqlalchemy import text

from shopcallbacks.extensions import db
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from .beside import compare, steady
from .place import hand_in, paid, place
from .web import Web, serving, working

WAITING, ROUNDS, SECONDS = 20_000, 2, 10
DOWN_MINUTES = 60
_LEFT = text("SELECT count(*) FROM callbacks WHERE due_at <= now()")
_SPREAD = text(
    "UPDATE callbacks SET due_at = now() - make_interval(mins => :minutes) * (1 - place) FROM ("
    "  SELECT id, percent_rank() OVER (ORDER BY id) AS place FROM callbacks WHERE due_at <= now()"
    ") AS waiting WHERE callbacks.id = waiting.id"
)
_numbers = count()


def leave_behind(account: GatewayAccount, many: int) -> None:
    """As many genuine callbacks that nobody has looked at, each for an order of its own."""
    numbers = [f"waiting-{next(_numbers)}" for _ in range(many)]
    hand_in(account, numbers)
    id_, shop_id, keeper = account.id, account.shop_id, door().keeper
    requests = [paid(account, number) for number in numbers]
    db.session.rollback()
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda request: keeper.keep(request, id_, shop_id, asks=False), requests))


def spread() -> None:
    """Those that wait came one after the other, the last of them now."""
    db.session.execute(_SPREAD, {"minutes": DOWN_MINUTES})
    db.session.commit()


def left() -> int:
    waiting = db.session.scalar(_LEFT) or 0
    db.session.rollback()
    return int(waiting)


def stormed(web: Web, account: GatewayAccount, environ: dict[str, str], many: int) -> tuple[list[float], int, float]:
    """How long each took that came meanwhile; how many still waited then; and how long all took."""
    leave_behind(account, many)
    spread()
    begun = time.perf_counter()
    with working(environ):
        while left() == many:  # until the worker is there
            time.sleep(0.05)
        found = steady(web, account, environ["DATABASE_URL"], SECONDS).opened
        still = left()
        while left():
            time.sleep(0.1)
        return found, still, time.perf_counter() - begun


def main(many: int = WAITING, rounds: int = ROUNDS) -> None:
    alone, beside = [], []
    with place() as (_, account, environ), serving("app:app", environ) as web:
        for _ in range(rounds):
            with working(environ):
                steady(web, account, environ["DATABASE_URL"], 2)  # the worker is there
                alone.append(steady(web, account, environ["DATABASE_URL"], SECONDS).opened)
            found, still, took = stormed(web, account, environ, many)
            beside.append(found)
            print(f"{many:,} waited; {still:,} still did when the last new one was open; none after {took:.0f} s")
    compare("arrival to open order", alone, beside, ("nothing waiting", "in the storm"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
