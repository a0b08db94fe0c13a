"""Callbacks processed a second by one worker, beside RQ's no-op jobs a second by one SimpleWorker."""

from __future__ import annotations

import itertools
import time

from redis import Redis
from rq import Queue, SimpleWorker

from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.receiving.door import door

from .place import compare, nothing, paid, place

COUNT = 2000
_numbers = itertools.count()


def main() -> None:
    with place() as (app, account, _):
        redis = Redis.from_url(app.config["REDIS_URL"])

        def processed() -> float:
            for number in (f"26-{next(_numbers)}" for _ in range(COUNT)):
                Order.create(NewOrder(number, Money(5990, "EUR")), account.shop_id)
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
