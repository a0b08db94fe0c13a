"""Callbacks processed a second by one worker, beside RQ's no-op jobs a second by one SimpleWorker.

An argument: how many paid orders the database holds already.
"""

from __future__ import annotations

import itertools
import sys
import time

from redis import Redis
from rq import Queue, SimpleWorker

from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door

from .place import compare, fill, hand_in, nothing, paid, place

COUNT = 2000
_numbers = itertools.count()


def main() -> None:
    with place() as (app, account, _):
        redis = Redis.from_url(app.config["REDIS_URL"])
        if filled := int(sys.argv[1]) if sys.argv[1:] else 0:
            fill(account, filled)

        def processed() -> float:
            numbers = [f"26-{next(_numbers)}" for _ in range(COUNT)]
            hand_in(account, numbers)
            for number in numbers:
                door().keeper.keep(paid(account, number), account.id, account.shop_id, asks=False)
            db.session.commit()
            started = time.perf_counter()
            while drain(asks=False):
                pass
            return COUNT / (time.perf_counter() - started)

        def no_ops() -> float:
            queue = Queue("bench", connection=redis)
            for _ in range(500):
                queue.enqueue(nothing, result_ttl=0)
            started = time.perf_counter()
            SimpleWorker([queue], connection=redis).work(burst=True, logging_level="ERROR")
            return 500 / (time.perf_counter() - started)

        compare(processed, no_ops, ("callbacks processed", "RQ no-op jobs"), rounds=3)


if __name__ == "__main__":
    main()
