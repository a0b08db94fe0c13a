"""Pulses: when each lane's worker was last seen at work, and counters of what was refused at the door."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from .extensions import Base, db, utcnow

ALIVE_FOR = timedelta(seconds=20)


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


class Refusal(Base):
    """How many callbacks of an account were too large to keep, by day."""

    __tablename__ = "refusals"

    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]

    @classmethod
    def count_one(cls, account_id: int) -> None:
        db.session.execute(
            insert(cls)
            .values(account_id=account_id, day=utcnow().date(), count=1)
            .on_conflict_do_update(index_elements=["account_id", "day"], set_={"count": cls.count + 1})
        )
