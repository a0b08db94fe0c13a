"""Bulk runs go on, step by step."""

from __future__ import annotations

from flask import current_app

from ..bulk.runs import BulkRun
from ..bulk.steps import Step, advance
from ..extensions import BULK, bell, db, ring, ring_bulk


def bulk() -> bool:
    """One step of each bulk run that can go on; rings again where one need not wait. Whether one goes on at once."""
    with current_app.app_context():
        bell().answer(BULK)
        again = False
        for id_ in BulkRun.open_ids():
            run = BulkRun.lock(id_, skip=True)
            step = advance(run) if run is not None else Step()
            db.session.commit()
            for lane in step.lanes:
                ring(lane)
            again = again or step.again
        db.session.rollback()
        if again:
            ring_bulk()
        return again
