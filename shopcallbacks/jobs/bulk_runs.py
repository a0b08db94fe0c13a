"""Bulk runs go on, step by step."""

from __future__ import annotations

import logging

from flask import current_app

from ..bells import BULK, bell, ring, ring_bulk
from ..bulk.runs import BulkRun
from ..bulk.steps import FollowUp, advance
from ..extensions import db, must_not_stand_still
from .transactions import look_behind, told

log = logging.getLogger(__name__)


def bulk() -> bool:
    """One step of each bulk run that can go on; rings again where one need not wait. Whether one goes on at once."""
    with current_app.app_context():
        bell().answer(BULK)
        steps = [_step(id_) for id_ in BulkRun.open_ids()]
        db.session.rollback()
        again = any(steps)
        if again:
            ring_bulk()
        return again


def _step(id_: int) -> bool:
    """Whether the run goes on at once. Where its attempts do not hold together a worker makes each by itself; and what
    does not hold so either costs no other run.
    """
    try:
        follow_up = _advanced(id_)
    except Exception as error:
        db.session.rollback()
        log.warning("The attempts of a step of bulk run %d are taken one by one: %s", id_, told(error))
        try:
            follow_up = _advanced(id_, here=False)
        except Exception as still:
            db.session.rollback()
            log.error("Bulk run %d stands still until the next sweep: %s", id_, told(still))
            return False
    for lane in follow_up.lanes:
        ring(lane)
    look_behind(follow_up.desk)
    return follow_up.again


def _advanced(id_: int, here: bool = True) -> FollowUp:
    must_not_stand_still()
    run = BulkRun.lock_if_free(id_)
    follow_up = advance(run, here) if run is not None else FollowUp()
    db.session.commit()
    return follow_up
