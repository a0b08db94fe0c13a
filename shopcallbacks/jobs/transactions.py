"""Callbacks in one transaction together, and each in one of its own where that does not hold."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from flask import current_app
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnection

from ..bells import ring
from ..callbacks import due
from ..callbacks.due import Due
from ..domain.states import Lane
from ..extensions import db, must_not_stand_still
from ..processing import pipeline
from ..processing.braking import Braking, brake
from ..processing.deciding import Desk

log = logging.getLogger(__name__)


def together(ids: Sequence[int], all_: Callable[[], Desk | None], each: Callable[[Due], Desk | None]) -> list[int]:
    """All of them in the transaction in hand, or else each by itself. Those that hold."""
    try:
        desk = all_()
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        log.warning("A batch of %d is taken one by one: %s", len(ids), told(error))
        return [id_ for id_ in ids if alone(id_, each)]
    look_behind(desk)
    return list(ids)


def look_behind(desk: Desk | None) -> None:
    """Once it is committed: wakes what others missed meanwhile, and brakes a flood. What was decided holds, whatever
    becomes of this; what others missed is then found by the sweeps.
    """
    if desk is None:
        return
    try:
        woken = pipeline.look_behind(desk)
        db.session.commit()
        if woken:
            ring(Lane.plain)
        _brake(desk)
    except Exception as error:
        db.session.rollback()
        log.warning("What others missed is left to the sweeps: %s", told(error))


def _brake(desk: Desk) -> None:
    braking: Braking = current_app.extensions.setdefault("braking", Braking())
    if flooded := braking.note(desk.tried):
        must_not_stand_still()
        brake(flooded)
        db.session.commit()


def alone(id_: int, work: Callable[[Due], Desk | None]) -> bool:
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
        else:
            look_behind(desk)
            return claimed is not None
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
