"""Whether a callback could be kept now: tried out, and undone."""

from __future__ import annotations

import os
import time

import psycopg
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .line import Line

SECONDS = 5.0
INSERT = b"INSERT INTO probes (body) VALUES ($1)"
# A row as large as a page of PostgreSQL's, so that each needs new room on the disk.
ROW_BYTES = 8000


class ProbeRow(Base):
    """Never committed: the table is always empty, and autovacuum gives the room back."""

    __tablename__ = "probes"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes]


class Probe:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._until = 0.0
        self._passed = False

    def passes(self) -> bool:
        """As of a few seconds ago at most, however often it is asked."""
        if time.monotonic() >= self._until:
            try:
                self._line.try_out(INSERT, (os.urandom(ROW_BYTES),))
                self._passed = True
            except psycopg.Error:
                self._passed = False
            self._until = time.monotonic() + SECONDS
        return self._passed

    def forget(self) -> None:
        self._until = 0.0
