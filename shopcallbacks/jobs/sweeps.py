"""Sweeps: what goes on though no bell rang, in each lane, over and over."""

from __future__ import annotations

from typing import Any

from flask import current_app
from redis import Redis

from ..bulk.runs import BulkRun
from ..callbacks.callback import Callback
from ..dashboard import arrivals
from ..dashboard.pulse import Pulse
from ..extensions import ASKING, OUTGOING, PLAIN, db, enqueue, lane, utcnow
from .bulk_runs import bulk
from .drains import drain


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


SWEEPS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    (PLAIN, "shopcallbacks.jobs.sweep", (False,)),
    (ASKING, "shopcallbacks.jobs.sweep", (True,)),
    (OUTGOING, "shopcallbacks.jobs.sweep_outgoing", ()),
    (OUTGOING, "shopcallbacks.jobs.index", ()),
)


def begin_sweeps(redis: Redis, every: int) -> None:
    """One in each lane. A sweep nobody took in time is worth nothing: it expires."""
    for call in SWEEPS:
        enqueue(redis, call, ttl=2 * every)
