"""Sweeps: what goes on though no bell rang, and the scheduler that lets them begin on time."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from redis import Redis
from rq.cron import CronScheduler

from ..bulk.runs import BulkRun
from ..callbacks import moves
from ..callbacks.callback import Callback
from ..dashboard import arrivals
from ..dashboard.pulse import Pulse
from ..domain.states import Lane
from ..extensions import db, ring, utcnow
from ..orders import repeats
from ..release import RELEASE
from .bulk_runs import bulk
from .drains import drain
from .outgoing import sweep_outgoing
from .search_index import index


def sweep(asks: bool) -> None:
    """The lane's pulse, and what goes on though no bell rang: automatic attempts, lost jobs, expired leases, runs."""
    lane = Lane.for_callbacks(asks)
    with current_app.app_context():
        Pulse.beat(lane)
        db.session.commit()
        if Callback.any_due(lane):
            db.session.rollback()
            drain(asks)
        if lane is Lane.plain:
            arrivals.keep(utcnow())
            repeats.forget(utcnow())
            db.session.commit()
            tick()
            _try_crashed_again()
            if BulkRun.any_open():
                bulk()


def tick() -> None:
    """Orders that time moves: each in a transaction of its own."""
    now = utcnow()
    ids = moves.due_by_time(now)
    db.session.rollback()
    for id_ in ids:
        woken = moves.tick(id_, now).woken
        db.session.commit()
        if woken:
            ring(Lane.plain)


def _try_crashed_again() -> None:
    """What broke other code than this is tried again by itself: the release that mends it finds it."""
    lanes = Callback.due_after_upgrade(RELEASE)
    db.session.commit()
    for lane in lanes:
        ring(lane)


def scheduler(redis: Redis, every: int) -> CronScheduler:
    """Sweeps the lanes over and over. A sweep nobody took in time is worth nothing: it expires."""
    cron = CronScheduler(redis, logging_level=logging.WARNING)
    options: dict[str, Any] = {"interval": every, "ttl": every * 2, "result_ttl": 0, "job_timeout": 600}
    for asks in (False, True):
        cron.register(sweep, Lane.for_callbacks(asks), args=(asks,), **options)
    cron.register(sweep_outgoing, Lane.outgoing, **options)
    cron.register(index, Lane.outgoing, **options)
    return cron
