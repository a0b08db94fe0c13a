"""Sweeps: what goes on though no bell rang, and the scheduler that lets them begin on time."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from redis import Redis
from rq.cron import CronScheduler

from ..bulk.runs import BulkRun
from ..callbacks.callback import Callback
from ..dashboard import arrivals
from ..dashboard.pulse import Pulse
from ..extensions import OUTGOING, db, lane, utcnow
from .bulk_runs import bulk
from .drains import drain
from .outgoing import sweep_outgoing
from .search_index import index


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
