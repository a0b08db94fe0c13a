"""Drains: one batch of what is due in the lane where nobody is asked, and callbacks one by one where a batch fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from flask import current_app
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnection

from ..bulk.runs import BulkRun
from ..callbacks import due
from ..callbacks.due import Due
from ..domain.states import Lane
from ..extensions import bell, db, must_not_stand_still, ring, ring_bulk
from ..processing import pipeline
from ..processing.deciding import Desk
from .asking import drain_asking

log = logging.getLogger(__name__)
BATCH, SHORT, LATELY_S = 100, 5, 2.0


def drain(asks: bool) -> int:
    """One batch of what is due in the lane; rings again where there may be more. How many callbacks it took."""
    lane = Lane.for_callbacks(asks)
    with current_app.app_context():
        bell().answer(lane)
        taken = drain_asking(_one_by_one) if lane is Lane.asking else drain_plain()
        if taken:
            ring(lane)
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


def drain_plain() -> int:
    """A hundred or so: again and again first those of accounts that have few due, then a batch fairly of all, a short
    one while others are likely. A batch that did not hold is the last: what stays due waits for the next drain.
    """
    taken, held = 0, True
    while held and taken < BATCH:
        few = _claimed(due.claim_of_few, BATCH)
        _others.had_few(few)
        held = _done(few)
        taken += len(few)
        if held:
            many = _claimed(due.claim, SHORT if _others.likely else BATCH)
            _others.had_many(many)
            held = bool(many) and _done(many)
            taken += len(many)
    return taken


def _claimed(claim: Callable[[int], list[Due]], limit: int) -> list[Due]:
    must_not_stand_still()
    return claim(limit)


def _done(claimed: list[Due]) -> bool:
    """In one transaction, or else each callback in one of its own. Whether it held as it was."""
    if not claimed:
        return True
    try:
        desk = pipeline.process(claimed)
        db.session.commit()
        _look_behind(desk)
        return True
    except Exception as error:
        db.session.rollback()
        log.warning("A batch of %d is taken one by one: %s", len(claimed), told(error))
        for one in claimed:
            _one_by_one(one.id, lambda claimed_: pipeline.process([claimed_]))
        return False


def _look_behind(desk: Desk | None) -> None:
    if desk is not None:
        must_not_stand_still()
        woken = pipeline.look_behind(desk)
        db.session.commit()
        if woken:
            ring(Lane.plain)


def _one_by_one(id_: int, work: Callable[[Due], Desk | None]) -> bool:
    """The callback in a transaction of its own; whether it holds.

    What the database refuses (a deadlock, a time-out, a lost connection) is no verdict on the callback: it stays due.
    A lost race on a movement of money is decided once more. Whatever else breaks costs this callback, and no other.
    """
    for last in (False, True):
        try:
            must_not_stand_still()
            claimed = due.claim_one(id_)
            desk = work(claimed) if claimed is not None else None
            db.session.commit()
            _look_behind(desk)
            return claimed is not None
        except IntegrityError as error:
            db.session.rollback()
            if last:
                _give_up(id_, error)
        except Exception as error:
            db.session.rollback()
            if refused_by_database(error):
                log.warning("Callback %d stays due: %s", id_, told(error))
            else:
                _give_up(id_, error)
            return False
    return False


def _give_up(id_: int, error: Exception) -> None:
    """It is `crashed`: kept safe, and tried again by itself once the code is another."""
    log.error("Callback %d broke our code: %s", id_, told(error))
    try:
        claimed = due.claim_one(id_)
        if claimed is not None:
            pipeline.give_up(claimed)
        db.session.commit()
    except DBAPIError as refusal:
        db.session.rollback()
        log.warning("Callback %d stays due: %s", id_, told(refusal))


# SQLSTATE classes that say nothing of what was asked for: connection, resources, serialisation, locks, operators.
_NO_VERDICT = ("08", "25", "40", "53", "55", "57", "58")


def refused_by_database(error: BaseException) -> bool:
    """Whether it may go another time just as it is."""
    if isinstance(error, (PendingRollbackError, NoConnection)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or str(state).startswith(_NO_VERDICT)


def told(error: BaseException) -> str:
    """For a log: what it is, and nothing of what was in the statement."""
    orig = getattr(error, "orig", None)
    return f"{type(orig or error).__name__} {getattr(orig, 'sqlstate', None) or ''}".strip()
