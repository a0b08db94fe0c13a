"""Counting what is turned away, so that a flood of it costs next to nothing: in memory, written once a second."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import psycopg

from ..clock import utcnow
from ..domain.states import WrongCall
from ..threads import Errand
from .line import Line

log = logging.getLogger(__name__)
PAUSE_S = 1.0

UPSERT = b"""
INSERT INTO refusals (shop_id, account_id, why, count, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shop_id, coalesce(account_id, 0), why)
DO UPDATE SET count = refusals.count + excluded.count, last_at = greatest(refusals.last_at, excluded.last_at)
"""

Key = tuple[int, int | None, WrongCall]


@dataclass
class _Counted:
    count: int
    first_at: datetime
    last_at: datetime


class TurnedAway:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = Lock()
        self._counted: dict[Key, _Counted] = {}
        self._writing: Errand[Key] = Errand("refusals", self._write, PAUSE_S)

    def count(self, shop_id: int, account_id: int | None, why: WrongCall) -> None:
        """One more. Returns at once; in the database within a second or so."""
        key, now = (shop_id, account_id, why), utcnow()
        with self._lock:
            counted = self._counted.setdefault(key, _Counted(0, now, now))
            counted.count += 1
            counted.last_at = now
        self._writing.ask(key)

    def _write(self, key: Key) -> None:
        with self._lock:
            counted = self._counted.pop(key, None)
        if counted is None:
            return
        try:
            self._line.run(UPSERT, (*key, counted.count, counted.first_at, counted.last_at))
        except psycopg.Error as error:
            log.warning("%d calls turned away were not counted: %s", counted.count, type(error).__name__)

    def forget(self) -> None:
        """What is not written yet."""
        with self._lock:
            self._counted.clear()

    def close(self) -> None:
        self._writing.close()
