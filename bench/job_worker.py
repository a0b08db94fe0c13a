"""RQ's own worker for the jobs of `bench.bare`: the one that doesn't fork, which is the faster one."""

from __future__ import annotations

import os

from redis import Redis
from rq import Queue, SimpleWorker

if __name__ == "__main__":
    redis = Redis.from_url(os.environ["REDIS_URL"])
    SimpleWorker([Queue("bare", connection=redis)], connection=redis).work(logging_level="ERROR")
