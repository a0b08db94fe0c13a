"""The mark: the newest change of an order that there was, kept in Redis, where no back-up of the database reaches.

A database that does not know it is older than what shops were told. Redis away or empty: that can't be told.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from ..extensions import db
from ..orders.feed import OrderEvent

KEY = "shopcallbacks:newest change"
SECONDS = 5.0

log = logging.getLogger(__name__)


class Mark:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._until, self._missing = 0.0, False

    def missing(self) -> bool:
        """Whether the database does not know the mark: an older back-up was put back. As of seconds ago at most."""
        if time.monotonic() >= self._until:
            self._missing = not self._known()
            self._until = time.monotonic() + SECONDS
        return self._missing

    def advance(self) -> bool:
        """The mark goes on to the newest change. False where the database does not know it, now: then it stays."""
        if not self._known():
            return False
        newest = db.session.execute(
            select(OrderEvent.id, OrderEvent.at).order_by(OrderEvent.id.desc()).limit(1)
        ).first()
        if newest is not None:
            try:
                self._redis.set(KEY, f"{newest.id} {newest.at.isoformat()}")
            except RedisError as error:
                log.warning("Redis is away, the mark stays where it is: %s", error)
        return True

    def forget(self) -> None:
        """What shops were told is answered for. `RedisError` where Redis is away."""
        self._redis.delete(KEY)
        self._until = 0.0

    def _known(self) -> bool:
        """An id may come again with another meaning, the moment does not."""
        try:
            kept = self._redis.get(KEY)
        except RedisError:
            return True
        if not isinstance(kept, bytes):
            return True
        id_, at = kept.decode().split()
        there = select(OrderEvent.id).where(OrderEvent.id == int(id_), OrderEvent.at == datetime.fromisoformat(at))
        return db.session.scalar(there) is not None


def mark() -> Mark:
    made: Mark = current_app.extensions["mark"]
    return made
