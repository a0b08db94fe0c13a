"""Lists and files are read from a streaming replica while it keeps up (`READ_DATABASE_URL`); all else from the primary.

Who may see what is always asked of the primary. So is all that a person reads shortly after they did something: what
they did is there at once. And what goes wrong at the replica is asked of the primary once more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, g, request, session
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError

from ..config import REPLICA
from ..extensions import READS_FROM, db
from ..logs import named
from .access import current_shop
from .screens import now

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)
# For so long what was last seen of it holds; and so long nobody goes there again after it was away.
LOOK_S, AWAY_S = 1.0, 5.0
ACTED = "acted"

_WRITTEN = text("SELECT clock_timestamp() AS at, CAST(pg_current_wal_insert_lsn() AS text) AS place")
_REPLAYED = text(
    "SELECT pg_last_wal_replay_lsn() >= CAST(:place AS pg_lsn) AS all_of_it, pg_last_xact_replay_timestamp() AS until"
    " WHERE pg_is_in_recovery()"
)


class Replica:
    """What this process knows of it. `most`: how far it may be behind."""

    def __init__(self, most: timedelta) -> None:
        self._most = most
        self._turn = Lock()
        self._until = 0.0
        self._as_of: datetime | None = None

    def as_of(self) -> datetime | None:
        """It holds all that was committed by then; None where it is away, too far behind, or being looked at."""
        if not self._turn.acquire(blocking=False):  # who looks may wait for it
            return None
        try:
            if time.monotonic() >= self._until:
                self._as_of = self._look()
                self._until = time.monotonic() + (LOOK_S if self._as_of else AWAY_S)
            return self._as_of
        finally:
            self._turn.release()

    def leave(self, error: SQLAlchemyError) -> None:
        """For a while nobody goes there."""
        log.warning("The replica is left alone for %g s: %s", AWAY_S, named(error))
        self._as_of, self._until = None, time.monotonic() + AWAY_S

    def _look(self) -> datetime | None:
        """An idle primary commits nothing: then it counts that all it wrote is there, however long ago that was."""
        written = db.session.execute(_WRITTEN).one()
        try:
            with db.engines[REPLICA].connect() as connection:
                replayed = connection.execute(_REPLAYED, {"place": written.place}).one_or_none()
        except SQLAlchemyError as error:
            self.leave(error)
            return None
        if replayed is None:
            log.warning("READ_DATABASE_URL is no replica: it takes writes itself")
            return None
        as_of: datetime | None = written.at if replayed.all_of_it else replayed.until
        return as_of if as_of is not None and written.at - as_of <= self._most else None


def init_app(app: Flask) -> None:
    app.extensions["replica"] = Replica(app.config["READ_LAG"]) if app.config["READ_DATABASE_URI"] else None
    app.after_request(_note_act)


def from_replica(view: Callable[P, R]) -> Callable[P, R]:
    """The view only reads, or only adds to what it reads: it may be called again."""

    @wraps(view)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        replica: Replica | None = current_app.extensions["replica"]
        as_of = replica.as_of() if replica is not None and _may_be_older() else None
        if replica is None or as_of is None:
            return view(*args, **kwargs)
        g.as_of = as_of
        db.session.info[READS_FROM] = db.engines[REPLICA]
        try:
            return view(*args, **kwargs)
        except (DBAPIError, TimeoutError) as error:
            db.session.rollback()
            replica.leave(error)
        finally:
            db.session.info.pop(READS_FROM)
        del g.as_of
        return view(*args, **kwargs)

    return reading


def as_of() -> datetime:
    """What came by then is on the page."""
    return min(g.get("as_of") or now(), now())


def _may_be_older() -> bool:
    """What is read may be as old as the replica may be. A program's lists always may: it follows them."""
    if request.blueprint == "api":
        return True
    current_shop()
    behind: timedelta = current_app.config["READ_LAG"]
    acted: int = session.get(ACTED, 0)
    return time.time() - acted > behind.total_seconds() + 2 * LOOK_S


def _note_act(response: Response) -> Response:
    """Of people, by their session."""
    if current_app.extensions["replica"] and request.method == "POST" and session.accessed and "token" in session:
        session[ACTED] = int(time.time())
    return response
