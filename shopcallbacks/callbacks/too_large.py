"""Callbacks that were too large to keep, counted by account and day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base, db, utcnow


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
