"""Pulses: when each lane's worker was last seen at work."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db

ALIVE_FOR = timedelta(seconds=20)
# A release or a restart takes less.
MISSED_AFTER = timedelta(seconds=60)


def is_alive(seen: datetime | None, now: datetime) -> bool:
    """A worker that was last seen then; None: none ever was."""
    return seen is not None and now - seen < ALIVE_FOR


class Pulse(Base):
    """One row a lane, touched by a job that went the whole way: scheduler, Redis, worker, database."""

    __tablename__ = "pulses"

    lane: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]

    @classmethod
    def beat(cls, lane: str) -> None:
        now = utcnow()
        db.session.execute(
            insert(cls)
            .values(lane=lane, seen_at=now)
            .on_conflict_do_update(index_elements=["lane"], set_={"seen_at": now})
        )

    @classmethod
    def last(cls) -> datetime | None:
        """When the slowest lane was last seen; None where none ever was."""
        return db.session.scalar(select(func.min(cls.seen_at)))
