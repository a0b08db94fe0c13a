"""Jobs: a job is a doorbell. It carries no callback, it says that there is work; the database knows which."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.cron import CronScheduler
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from . import alerting, arrivals, delivering, processing
from .alerts import AlertMessage
from .asking import AskGateways
from .bulk import BulkRun
from .bulk_steps import Step, advance
from .callbacks import Callback
from .cases import Case
from .deliveries import Delivery
from .delivering import Parcel
from .endpoints import Endpoint
from .examining import Finding, examine
from .extensions import db, utcnow
from .feed import FOLLOWED
from .pulse import Pulse
from .search_index import BATCH as READ_AT_ONCE
from .search_index import SearchProgress
from .values import NoAnswer

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

# The lanes: callbacks that are decided at home, those whose gateway is asked, and what goes out to shops and people.
# None waits for another.
PLAIN, ASKING, OUTGOING = "callbacks", "asking", "outgoing"
# Bells, not lanes: bulk runs go on in the plain one, the search index grows in the outgoing one.
BULK, INDEX = "bulk", "index"
BATCH = 100
AT_ONCE, PER_ACCOUNT, LEASE_S = 32, 8, 20.0
PER_ENDPOINT = 16
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

    def ring(self, name: str) -> None:
        """There is work in the lane. With Redis away the sweep finds it."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            if self._redis.set(_bell(name), 1, nx=True, ex=BELL_S):
                enqueue(self._redis, name)
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


def enqueue(redis: Redis, name: str) -> None:
    jobs: dict[str, tuple[str, Callable[..., Any], tuple[Any, ...]]] = {
        PLAIN: (PLAIN, drain, (False,)),
        ASKING: (ASKING, drain, (True,)),
        BULK: (PLAIN, bulk, ()),
        OUTGOING: (OUTGOING, drain_outgoing, ()),
        INDEX: (OUTGOING, index, ()),
    }
    queue, work, args = jobs[name]
    Queue(queue, connection=redis).enqueue(work, *args, result_ttl=0, failure_ttl=3600, job_timeout=600)


def bell() -> Bell:
    made: Bell = current_app.extensions["bell"]
    return made


def ring(asks: bool) -> None:
    bell().ring(lane(asks))


def ring_outgoing() -> None:
    bell().ring(OUTGOING)


@event.listens_for(db.session, "after_transaction_end")
def _ring_for_followers(session: Session, transaction: SessionTransaction) -> None:
    """Order changes were committed (or not, then the ring finds nothing) that a shop's endpoint is to be told of."""
    if transaction.parent is None and session.info.pop(FOLLOWED, False):
        ring_outgoing()


def ring_bulk() -> None:
    bell().ring(BULK)


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
    _at_once(cases, lambda case: examine(case, ask), lambda _, finding: settle(finding), _keep_cases)
    return len(cases)


def _keep_cases(cases: Iterable[Case]) -> None:
    Callback.renew_lease([case.callback_id for case in cases], LEASE_S)


def _at_once(
    things: list[T], ask: Callable[[T], R], settle: Callable[[T, R], None], keep: Callable[[Iterable[T]], None]
) -> None:
    """Asks for all of them at once in threads; settles each as its answer comes, and keeps the lease of the rest."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked: dict[Future[R], T] = {pool.submit(ask, thing): thing for thing in things}
        kept_at = time.monotonic()
        while asked:
            done, _ = wait(asked, timeout=LEASE_S / 4, return_when=FIRST_COMPLETED)
            for one in done:
                settle(asked.pop(one), one.result())
            if time.monotonic() - kept_at >= LEASE_S / 4:
                keep(asked.values())
                kept_at = time.monotonic()
            db.session.commit()


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


def drain_outgoing() -> int:
    """One batch of what goes out: order changes to shops' endpoints, alerts to people. How many were sent."""
    with current_app.app_context():
        bell().answer(OUTGOING)
        more = delivering.spread()
        db.session.commit()
        parcels = delivering.take(AT_ONCE, PER_ENDPOINT, LEASE_S)
        db.session.commit()
        _at_once(parcels, lambda parcel: parcel.send(), delivering.settle, _keep_parcels)
        if parcels or more:
            ring_outgoing()
        return len(parcels)


def _keep_parcels(parcels: Iterable[Parcel]) -> None:
    for of in (Delivery, AlertMessage):
        of.keep_lease([parcel.id for parcel in parcels if parcel.of is of], LEASE_S)


def sweep_outgoing() -> None:
    """Looks at the shops' queues for alerts, and sends what is due though no bell rang."""
    with current_app.app_context():
        while _look():
            pass
        due = Endpoint.any_behind() or Delivery.any_due() or AlertMessage.any_due()
        db.session.rollback()
        if due:
            drain_outgoing()


def _look() -> bool:
    """For alerts, at one shop. All its figures are of one moment: what comes meanwhile is seen at the next look."""
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    looked = alerting.look()
    db.session.commit()
    return looked


def index() -> int:
    """One batch into the search index; rings again where there is more. How many callbacks it read."""
    with current_app.app_context():
        bell().answer(INDEX)
        progress = SearchProgress.take()
        count = progress.fill() if progress is not None else 0
        db.session.commit()
        if count >= READ_AT_ONCE:
            bell().ring(INDEX)
        return count


def sweep(asks: bool) -> None:
    """The lane's pulse, and what goes on though no bell rang: automatic attempts, lost jobs, expired leases, runs."""
    with current_app.app_context():
        Pulse.beat(lane(asks))
        db.session.commit()
        if Callback.overdue()[asks]:
            db.session.rollback()
            drain(asks)
        if not asks:
            arrivals.keep(utcnow())
            db.session.commit()
        if not asks and BulkRun.any_open():
            bulk()


def scheduler(redis: Redis, every: int) -> CronScheduler:
    """Sweeps the lanes over and over. A sweep nobody took in time is worth nothing: it expires."""
    cron = CronScheduler(redis, logging_level=logging.WARNING)
    options: dict[str, Any] = {"interval": every, "ttl": every * 2, "result_ttl": 0, "job_timeout": 600}
    for asks in (False, True):
        cron.register(sweep, lane(asks), args=(asks,), **options)
    cron.register(sweep_outgoing, OUTGOING, **options)
    cron.register(index, OUTGOING, **options)
    return cron
