"""The extensions, made once and bound to an app in `create_app`."""

from __future__ import annotations

import enum
import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from flask import current_app
from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as PrimarySession
from flask_wtf.csrf import CSRFProtect
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Enum,
    LargeBinary,
    MetaData,
    Text,
    UpdateBase,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

from .domain.states import Lane

T = TypeVar("T")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[list[str]]: JSONB,
        enum.Enum: Enum(enum.Enum, native_enum=False, length=32),
    }


def utcnow() -> datetime:
    """By this host's clock. What is compared with a time of another host's is told by the database's."""
    return datetime.now(UTC)


READS_FROM = "reads from"


class Session(PrimarySession):
    """Reads from the engine that its `info` names, where it names one. What is written goes to the primary."""

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Engine | Connection | None = None, **more: Any
    ) -> Engine | Connection:
        chosen: Engine | None = self.info.get(READS_FROM)
        if chosen is None or bind is not None or self._flushing or isinstance(clause, UpdateBase):
            return super().get_bind(mapper, clause, bind, **more)
        return chosen


db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": Session})
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
compress = Compress()


# By the database's clock, which is the same for every host.
NOW = func.statement_timestamp()


def database_now() -> datetime:
    now: datetime = db.session.scalars(select(NOW)).one()
    return now


def locked(kind: type[T], key: int) -> T:
    """The row, fresh and locked until the transaction ends. Others may still refer to it: no key ever changes."""
    return db.session.get_one(kind, key, populate_existing=True, with_for_update={"of": kind, "key_share": True})


STAND_STILL_S = 5


def must_not_stand_still() -> None:
    """The transaction has in hand what others wait for: the database ends it where nothing is done in it for seconds.

    Then we stand still, as in a machine that was paused. What came of it is not kept, and is soon done by another.

    And it finds rows by their keys only. The statistics of a table that grew fast may still say that it is small, and
    that it is as well read from end to end; plans that were made then stay, of foreign keys too.
    """
    session = db.session()
    if session.info.get(_TOLD) is None or session.info[_TOLD] is not session.get_transaction():
        session.execute(_IN_HAND, {"still": f"{STAND_STILL_S}s"})
        session.info[_TOLD] = session.get_transaction()


# In the session's `info`: the transaction of which the database knows it.
_TOLD = "must not stand still"
_IN_HAND = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :still, true), set_config('enable_seqscan', 'off', true)"
)


def let_go(error: BaseException | None) -> None:
    """Behind a request or a job: what was to be kept is committed, so that nobody suffers from a connection that has
    died since.
    """
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()


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

K = TypeVar("K", bound=Hashable)


class Errand(Generic[K]):
    """Does something soon, in a thread of its own, for whatever was asked for, in rounds: nobody waits for it.

    What is asked for again before it was begun is done once; what is asked for from then on is done again. The thread
    begins with the first that asks, so that a process forked before has its own.
    """

    def __init__(self, name: str, do: Callable[[K], None], pause_s: float) -> None:
        self._name, self._do, self._pause_s = name, do, pause_s
        self._asked: set[K] = set()
        self._queue: queue.SimpleQueue[K | None] = queue.SimpleQueue()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, what: K) -> None:
        if what in self._asked:
            return
        self._asked.add(what)
        self._queue.put(what)
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            for what in self._all_asked():
                if what is None:
                    return
                self._asked.discard(what)  # before it is done: who asks meanwhile asks for one more
                try:
                    self._do(what)
                except Exception:
                    log.exception("%s: %s failed", self._name, what)
            time.sleep(self._pause_s)

    def _all_asked(self) -> list[K | None]:
        """What was asked for so far, at least one."""
        found = [self._queue.get()]
        while not self._queue.empty():
            found.append(self._queue.get())
        return found

    def close(self) -> None:
        """Ends the thread, what was asked for done."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None


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
