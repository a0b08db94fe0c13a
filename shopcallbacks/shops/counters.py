"""Counters in Redis that all web processes share, and what is done while it is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import ConnectionPool
from redis.exceptions import RedisError

from ..bells import IMPATIENT, QUIET_S

log = logging.getLogger(__name__)
T = TypeVar("T")


class Counters:
    def __init__(self, redis_url: str) -> None:
        self._pool = ConnectionPool.from_url(redis_url, **IMPATIENT)
        self._limiter = FixedWindowRateLimiter(RedisStorage(redis_url, self._pool))
        self._quiet_until = 0.0

    def shared(self, count: Callable[[FixedWindowRateLimiter], T], away: Callable[[], T]) -> T:
        """What comes of counting; with Redis away, of the other."""
        if time.monotonic() >= self._quiet_until:
            try:
                return count(self._limiter)
            except RedisError as error:
                self._quiet_until = time.monotonic() + QUIET_S
                log.warning("Redis is away, nothing is counted together: %s", error)
        return away()

    def close(self) -> None:
        self._pool.disconnect()
