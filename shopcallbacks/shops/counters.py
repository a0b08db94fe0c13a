"""Counters in Redis that all web processes share, and what is done while it is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

_QUIET_S = 1.0  # after Redis failed, so long nobody waits for it

log = logging.getLogger(__name__)
T = TypeVar("T")


class Counters:
    def __init__(self, redis_url: str) -> None:
        self._pool = ConnectionPool.from_url(
            redis_url, socket_connect_timeout=0.5, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self._limiter = FixedWindowRateLimiter(RedisStorage(redis_url, self._pool))
        self._quiet_until = 0.0

    def shared(self, count: Callable[[FixedWindowRateLimiter], T], away: Callable[[], T]) -> T:
        """What comes of counting; with Redis away, of the other."""
        if time.monotonic() >= self._quiet_until:
            try:
                return count(self._limiter)
            except RedisError as error:
                self._quiet_until = time.monotonic() + _QUIET_S
                log.warning("Redis is away, nothing is counted together: %s", error)
        return away()

    def close(self) -> None:
        self._pool.disconnect()
