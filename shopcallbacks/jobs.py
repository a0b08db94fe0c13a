"""Jobs: a job is a doorbell. It carries no callback, it says that there is work; the database knows which."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.cron import CronScheduler

from . import processing
from .asking import AskGateways
from .bulk import BulkRun
from .bulk_steps import Step, advance
from .callbacks import Callback
from .cases import Case
from .examining import Finding, examine
from .extensions import db
from .pulse import Pulse
from .values import NoAnswer

log = logging.getLogger(__name__)

# The two lanes: callbacks that are decided at home, and those whose gateway is asked. Neither waits for the other.
PLAIN, ASKING = "callbacks", "asking"
BULK = "bulk"  # a bell, not a lane: the runs go on in the plain one
BATCH = 100
AT_ONCE, PER_ACCOUNT, LEASE_S = 32, 8, 20.0
SWEEP_S = 5
BELL_S = 30
_QUIET_S = 1.0  # after Redis failed, so long nobody waits for it


def lane(asks: bool) -> str:
    return ASKING if asks else PLAIN


class Bell:
    """Rings for the workers, at most once while a drain of the lane waits in the queue. Never raises."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_connect_timeout=0.5, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self._quiet_until = 0.0

    def ring(self, asks: bool) -> None:
        """There is work. With Redis away the sweep finds it."""
        self._ring(lane(asks), lambda: enqueue(self._redis, asks))

    def ring_bulk(self) -> None:
        """A bulk run can go on."""
        self._ring(BULK, lambda: enqueue_bulk(self._redis))

    def _ring(self, name: str, send: Callable[[], None]) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            if self._redis.set(_bell(name), 1, nx=True, ex=BELL_S):
                send()
        except RedisError as error:
            self._quiet_until = time.monotonic() + _QUIET_S
            log.warning("Redis is away, the sweep will find the work: %s", error)

    def answer(self, name: str) -> None:
        """The next ring counts again. Before claiming: what is committed from here on rings anew."""
        try:
            self._redis.delete(_bell(name))
        except RedisError as error:
            log.warning("Redis is away: %s", error)

    def close(self) -> None:
        self._redis.close()

    @property
    def alive(self) -> bool:
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False


def _bell(name: str) -> str:
    return f"shopcallbacks:bell:{name}"


def enqueue(redis: Redis, asks: bool) -> None:
    Queue(lane(asks), connection=redis).enqueue(drain, asks, result_ttl=0, failure_ttl=3600, job_timeout=600)


def enqueue_bulk(redis: Redis) -> None:
    Queue(PLAIN, connection=redis).enqueue(bulk, result_ttl=0, failure_ttl=3600, job_timeout=600)


def bell() -> Bell:
    made: Bell = current_app.extensions["bell"]
    return made


def ring(asks: bool) -> None:
    bell().ring(asks)


def ring_bulk() -> None:
    bell().ring_bulk()


def drain(asks: bool) -> int:
    """One batch of what is due in the lane; rings again where there may be more. How many callbacks it took."""
    with current_app.app_context():
        bell().answer(lane(asks))
        taken = _drain_asking() if asks else _drain_plain()
        if taken:
            ring(asks)
            if BulkRun.any_open():  # their outcomes may be among them
                ring_bulk()
            db.session.rollback()
        return taken


def _drain_plain() -> int:
    taken = processing.process(BATCH)
    db.session.commit()
    return taken


def _drain_asking() -> int:
    """Leased, asked several at once without any transaction, and applied one by one as the answers come.

    The lease is short and renewed while we live, so that the callbacks of a killed worker are soon anybody's.
    """
    cases = [Case.of(callback) for callback in Callback.lease(AT_ONCE, PER_ACCOUNT, LEASE_S)]
    db.session.commit()
    ask: AskGateways = current_app.extensions["ask"]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = {pool.submit(examine, case, ask): case.callback_id for case in cases}
        while asked:
            done, _ = wait(asked, timeout=LEASE_S / 4, return_when=FIRST_COMPLETED)
            for one in done:
                asked.pop(one)
                settle(one.result())
            Callback.renew_lease(asked.values(), LEASE_S)
            db.session.commit()
    return len(cases)


def settle(finding: Finding) -> None:
    """Applies what was found while nobody held the callback; drops it where the callback has moved on meanwhile."""
    callback = Callback.lock(finding.case.callback_id)
    if callback.version != finding.case.version or callback.due_at is None:
        db.session.rollback()
        return
    processing.apply([(callback, finding)])
    db.session.commit()
    if finding.failure is None:
        _acknowledge(finding)


def _acknowledge(finding: Finding) -> None:
    """Tells a gateway that wants it that the result is stored. If that fails the gateway calls again."""
    case = finding.case
    question = case.gateway.acknowledge(case.request, case.settings, finding.messages)
    if question is not None:
        answer = current_app.extensions["ask"](question)
        if isinstance(answer, NoAnswer):
            log.warning("%s could not be told: %s", case.gateway.title, answer.why)


def bulk() -> bool:
    """One step of each bulk run that can go on; rings again where one need not wait. Whether one goes on at once."""
    with current_app.app_context():
        bell().answer(BULK)
        again = False
        for id_ in BulkRun.open_ids():
            run = BulkRun.lock(id_, skip=True)
            step = advance(run) if run is not None else Step()
            db.session.commit()
            for asks in step.lanes:
                ring(asks)
            again = again or step.again
        db.session.rollback()
        if again:
            ring_bulk()
        return again


def sweep(asks: bool) -> None:
    """The lane's pulse, and what goes on though no bell rang: automatic attempts, lost jobs, expired leases, runs."""
    with current_app.app_context():
        Pulse.beat(lane(asks))
        db.session.commit()
        if Callback.overdue()[asks]:
            db.session.rollback()
            drain(asks)
        if not asks and BulkRun.any_open():
            bulk()


def scheduler(redis: Redis) -> CronScheduler:
    """Sweeps both lanes over and over. A sweep nobody took in time is worth nothing: it expires."""
    cron = CronScheduler(redis, logging_level=logging.WARNING)
    for asks in (False, True):
        options: dict[str, Any] = {"interval": SWEEP_S, "ttl": SWEEP_S * 2, "result_ttl": 0, "job_timeout": 600}
        cron.register(sweep, lane(asks), args=(asks,), **options)
    return cron
