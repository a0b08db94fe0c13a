"""The bells for the workers: who commits work rings, and a job is enqueued that takes all there is."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from .domain.states import Lane
from .threads import Errand

# Each lane has a bell. These are bells, not lanes: bulk runs go on in the plain one, the search index in the outgoing.
BULK, INDEX = "bulk", "index"
# A lane, a job by its name, and its arguments.
Call = tuple[Lane, str, tuple[Any, ...]]
# Who answers each bell: the lane, the job and its arguments. Named by text, so that who rings imports no job.
CALLS: dict[str, Call] = {
    Lane.plain: (Lane.plain, "shopcallbacks.jobs.drain", (False,)),
    Lane.asking: (Lane.asking, "shopcallbacks.jobs.drain", (True,)),
    BULK: (Lane.plain, "shopcallbacks.jobs.bulk", ()),
    Lane.outgoing: (Lane.outgoing, "shopcallbacks.jobs.drain_outgoing", ()),
    INDEX: (Lane.outgoing, "shopcallbacks.jobs.index", ()),
}
BELL_S, JOB_S = 30, 600
SERIALIZER = JSONSerializer  # RQ's own would run whatever somebody put into Redis
# Nobody waits long for Redis, and once it failed nobody does for a while.
IMPATIENT: dict[str, Any] = {"socket_connect_timeout": 0.5, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}
QUIET_S = 1.0

_BREATH_S = 0.01  # between two rounds of rings, so that many callbacks ring together

log = logging.getLogger(__name__)


class Bell:
    """Rings for the workers, at most once while a drain of the lane waits in the queue. Never raises."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(redis_url, **IMPATIENT)
        self._quiet_until = 0.0
        self._ringing: Errand[str] = Errand("bell", self.ring, _BREATH_S)

    def ring_soon(self, name: str) -> None:
        """The same for who can't wait for Redis: by a thread of the bell's, once for all that ask meanwhile."""
        self._ringing.ask(name)

    def ring(self, name: str) -> None:
        """There is work in the lane. With Redis away the sweep finds it."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            if self.redis.set(_bell(name), 1, nx=True, ex=BELL_S):
                enqueue(self.redis, CALLS[name])
        except RedisError as error:
            self._quiet_until = time.monotonic() + QUIET_S
            log.warning("Redis is away, the sweep will find the work: %s", error)

    def answer(self, name: str) -> None:
        """The next ring counts again. Before claiming: what is committed from here on rings anew."""
        try:
            self.redis.delete(_bell(name))
        except RedisError as error:
            log.warning("Redis is away: %s", error)

    def rung(self, name: str) -> bool:
        """Since it was last answered; also where nobody knows, with Redis away."""
        if time.monotonic() < self._quiet_until:
            return True
        try:
            return bool(self.redis.exists(_bell(name)))
        except RedisError as error:
            self._quiet_until = time.monotonic() + QUIET_S
            log.warning("Redis is away: %s", error)
            return True

    def close(self) -> None:
        self._ringing.close()
        self.redis.close()

    @property
    def alive(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False


def _bell(name: str) -> str:
    return f"shopcallbacks:bell:{name}"


def enqueue(redis: Redis, call: Call, ttl: int | None = None) -> None:
    """`ttl`: after so many seconds it is worth nothing any more."""
    lane, job, args = call
    Queue(lane, connection=redis, serializer=SERIALIZER).enqueue(job, *args, ttl=ttl)


def bell() -> Bell:
    made: Bell = current_app.extensions["bell"]
    return made


def ring(lane: Lane) -> None:
    bell().ring(lane)


def ring_outgoing() -> None:
    ring(Lane.outgoing)


def ring_bulk() -> None:
    bell().ring(BULK)
