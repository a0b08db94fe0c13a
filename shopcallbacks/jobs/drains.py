"""Drains: one batch of what is due in a lane."""

from __future__ import annotations

import time

from flask import current_app

from ..bells import bell, ring, ring_bulk
from ..bulk.runs import BulkRun
from ..callbacks import due
from ..callbacks.due import Due
from ..domain.states import Lane
from ..extensions import db
from ..processing import pipeline
from .asking import drain_asking
from .transactions import together

BATCH, SHORT, LATELY_S = 100, 5, 2.0


def drain(asks: bool) -> int:
    """One batch of what is due in the lane; rings again where there may be more. How many callbacks it took."""
    lane = Lane.for_callbacks(asks)
    with current_app.app_context():
        bell().answer(lane)
        taken, more = drain_asking() if lane is Lane.asking else drain_plain()
        if more:
            ring(lane)
        if taken:
            if BulkRun.any_open():  # their outcomes may be among them
                ring_bulk()
            db.session.rollback()
        return taken


class Others:
    """Whether somebody who has few callbacks due is likely to have another soon, beside those who have many."""

    def __init__(self) -> None:
        self._few: dict[int, float] = {}  # until when it is likely, by account
        self._many: set[int] = set()

    def had_few(self, few: list[Due]) -> None:
        self._few |= {one.account_id: time.monotonic() + LATELY_S for one in few}

    def had_many(self, many: list[Due]) -> None:
        self._many = {one.account_id for one in many}

    @property
    def likely(self) -> bool:
        """Not where it is one account alone, which had few and has many now."""
        self._few = {account: until for account, until in self._few.items() if until > time.monotonic()}
        return bool(self._few) and len(self._few.keys() | self._many) > 1


_others = Others()


def drain_plain() -> tuple[int, bool]:
    """A hundred or so: again and again first those of accounts that have few due, then a batch fairly of all, a short
    one while others are likely; what comes meanwhile too, until nothing is due: it would wait for a job of its own
    else. A batch that did not hold is the last: what stays due waits for the next drain.

    How many, and whether there may be more.
    """
    taken = 0
    while taken < BATCH:
        claimed, more = due.claim_of_few(BATCH)
        _others.had_few(claimed)
        held = _done(claimed)
        taken += len(claimed)
        if held and more:
            many = due.claim(SHORT if _others.likely else BATCH)
            _others.had_many(many)
            held = _done(many)
            taken += len(many)
            claimed = many
        if not (held and claimed):
            return taken, not held
    return taken, True


def _done(claimed: list[Due]) -> bool:
    """Whether nothing of it stays due."""
    if not claimed:
        return True
    ids = [one.id for one in claimed]
    held = together(ids, lambda: pipeline.process(claimed), lambda one: pipeline.process([one]))
    return len(held) == len(ids)
