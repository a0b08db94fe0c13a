"""The worker of a lane: runs the jobs of a closed list, whatever stands in Redis.

RQ finds the function to run, its callbacks and webhooks by names that it reads from Redis. So of a job only its name
and its arguments are read, as JSON, and both together must be known here. What RQ would note of a job besides (status,
result, traceback) nobody needs: the database is the record, and what a job could not do the sweep finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.worker.base import WorkerStatus

from ..bells import CALLS, JOB_S, SERIALIZER
from .bulk_runs import bulk
from .drains import drain
from .outgoing import drain_outgoing, sweep_outgoing
from .search_index import index
from .sweeps import SWEEPS, sweep, upkeep

log = logging.getLogger(__name__)

_JOBS = (bulk, drain, drain_outgoing, index, sweep, sweep_outgoing, upkeep)
_FUNCTIONS = {f"shopcallbacks.jobs.{job.__name__}": job for job in _JOBS}
KNOWN: dict[tuple[str, tuple[Any, ...]], Callable[..., Any]] = {
    (name, args): _FUNCTIONS[name] for _, name, args in (*CALLS.values(), *SWEEPS)
}


class OutOfTime(KeyboardInterrupt):
    """The job's time is over. An interrupt, or who lives with what breaks would blame what was in hand just then."""


class BareJob(Job):
    """Nothing but a name and arguments: no callbacks, webhooks, dependencies or repeats, whatever was put there."""

    def restore(self, raw_data: dict[bytes, bytes]) -> None:
        super().restore({key: raw_data[key] for key in (b"data", b"origin", b"status") if key in raw_data})


def known_call(job: Job) -> tuple[str, tuple[Any, ...]] | None:
    """Its name and arguments; None of what is not ours, as is a job that waits since the release before JSON."""
    try:
        call = str(job.func_name), tuple(job.args)
        return call if call in KNOWN and not job.instance and not job.kwargs else None
    except (DeserializationError, TypeError):
        return None


class LaneWorker(SimpleWorker):
    """Runs each job in this process, one after the other: no fork and no new connections for each."""

    job_class = BareJob

    def __init__(self, lane: str, redis: Redis) -> None:
        queue = Queue(lane, connection=redis, job_class=BareJob, serializer=SERIALIZER)
        super().__init__([queue], connection=redis, job_class=BareJob, serializer=SERIALIZER)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """The job is forgotten first: if it fails or we are killed, the sweep finds what it was rung for."""
        queue.connection.lrem(queue.intermediate_queue_key, 1, job.id)
        queue.connection.delete(job.key)
        call = known_call(job)
        if call is None:
            log.warning("Dropped a job of the lane %s that is none of ours", queue.name)
            return
        self.set_state(WorkerStatus.BUSY)  # so that a stop waits for its end
        self.heartbeat(JOB_S + 60)
        try:
            with self.death_penalty_class(JOB_S, OutOfTime, job_id=job.id):
                KNOWN[call](*call[1])
        except (Exception, OutOfTime):
            log.exception("The job %s failed", call[0])
        self.set_state(WorkerStatus.IDLE)

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """None of RQ's registries is used, so there is nothing in them to be looked after."""
        return False
