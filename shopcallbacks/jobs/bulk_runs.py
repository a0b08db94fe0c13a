"""Bulk runs go on, follow_up by follow_up."""

from __future__ import annotations

from flask import current_app

from ..bulk.runs import BulkRun
from ..bulk.steps import FollowUp, advance
from ..extensions import BULK, bell, db, must_not_stand_still, ring, ring_bulk


def bulk() -> bool:
    """One step of each bulk run that can go on; rings again where one need not wait. Whether one goes on at once."""
    with current_app.app_context():
        bell().answer(BULK)
        again = False
        for id_ in BulkRun.open_ids():
            must_not_stand_still()
            run = BulkRun.lock_if_free(id_)
            follow_up = advance(run) if run is not None else FollowUp()
            db.session.commit()
            for lane in follow_up.lanes:
                ring(lane)
            again = again or follow_up.again
        db.session.rollback()
        if again:
            ring_bulk()
        return again
