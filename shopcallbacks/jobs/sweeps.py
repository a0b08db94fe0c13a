"""Sweeps: what goes on though no bell rang, in each lane, over and over; and what is done for all by the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import current_app
from redis import Redis

from ..bells import Call, enqueue, ring
from ..bulk.runs import BulkRun
from ..callbacks import months, moves
from ..callbacks.callback import Callback
from ..clock import database_now, utcnow
from ..dashboard import arrivals
from ..dashboard.pulse import Pulse
from ..domain.states import Lane
from ..extensions import db, must_not_stand_still
from ..orders import repeats
from ..processing import pipeline
from ..release import RELEASE
from .bulk_runs import bulk
from .drains import drain
from .transactions import told

log = logging.getLogger(__name__)


def sweep(asks: bool) -> None:
    """The lane's pulse, and what is due though no bell rang: automatic attempts, lost jobs, expired leases, runs."""
    lane = Lane.for_callbacks(asks)
    with current_app.app_context():
        must_not_stand_still()  # the lane's other workers beat it too
        Pulse.beat(lane)
        db.session.commit()
        if Callback.any_due(lane):
            db.session.rollback()
            drain(asks)
        if lane is Lane.plain and BulkRun.any_open():
            bulk()


def upkeep() -> None:
    """What the clock brings, beside the lane in which it would hold up callbacks. What breaks costs itself alone."""
    with current_app.app_context():
        for name, step in UPKEEP.items():
            try:
                must_not_stand_still()
                step()
                db.session.commit()
            except Exception as error:
                db.session.rollback()
                log.error("Upkeep, %s: %s", name, told(error))


def tick() -> None:
    """Orders that time moves: each in a transaction of its own, and costing no other."""
    now = database_now()
    ids = moves.due_by_time(now)
    db.session.rollback()
    for id_ in ids:
        try:
            must_not_stand_still()
            woken = moves.tick(id_, now).woken
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            log.error("Order %d can't be moved by the clock: %s", id_, told(error))
            continue
        if woken:
            ring(Lane.plain)


def _try_crashed_again() -> None:
    """What broke other code than this is tried again by itself: the release that mends it finds it."""
    lanes = Callback.due_after_upgrade(RELEASE)
    db.session.commit()
    for lane in lanes:
        ring(lane)


def _find_lost() -> None:
    """Round and round by id, a few at each sweep, however many wait."""
    current_app.extensions["lost"], found = pipeline.find_lost(current_app.extensions.get("lost", 0))
    db.session.commit()
    if found:
        ring(Lane.plain)


# What others wait for comes first.
UPKEEP: dict[str, Callable[[], object]] = {
    "months ahead": lambda: months.make_ahead(utcnow()),
    "orders that time moves": tick,
    "what crashed": _try_crashed_again,
    "what was left behind": _find_lost,
    "keys of calls": lambda: repeats.forget(utcnow()),
    "arrivals": lambda: arrivals.keep(utcnow()),
}

SWEEPS: tuple[Call, ...] = (
    (Lane.plain, "shopcallbacks.jobs.sweep", (False,)),
    (Lane.asking, "shopcallbacks.jobs.sweep", (True,)),
    (Lane.outgoing, "shopcallbacks.jobs.sweep_outgoing", ()),
    (Lane.outgoing, "shopcallbacks.jobs.upkeep", ()),
    (Lane.outgoing, "shopcallbacks.jobs.index", ()),
)


def begin_sweeps(redis: Redis, every: int) -> None:
    """One in each lane. A sweep nobody took in time is worth nothing: it expires."""
    for call in SWEEPS:
        enqueue(redis, call, ttl=2 * every)
