"""Calls of a shop's API that may come twice: with an `Idempotency-Key` the second is answered as the first was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db

KEPT_FOR = timedelta(hours=24)
LONGEST = 255


@dataclass(frozen=True)
class Call:
    """A call under the key that its shop gave it. `digest`: what makes two calls the same."""

    shop_id: int
    key: str
    digest: bytes


@dataclass(frozen=True)
class Answer:
    """What the first call was answered. `same`: it was the same call as this one."""

    status: int
    body: str
    same: bool


class IdempotencyKey(Base):
    """A key that a shop has used, and the answer; the answer is there once its call is committed."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_at", "at"),)

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    status: Mapped[int | None]
    body: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(default=utcnow)


def begin(call: Call) -> Answer | None:
    """The answer if the key was used before; None where the call is the first, and its caller answers and commits.

    A repeat that comes while the first is at work waits here for its end: the key is a row of the same transaction as
    what the call does. So a first call that fails leaves the key free.
    """
    values = {"shop_id": call.shop_id, "key": call.key, "digest": call.digest, "at": utcnow()}
    is_first = insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    if db.session.scalar(is_first) is not None:
        return None
    kept = db.session.get_one(IdempotencyKey, (call.shop_id, call.key), populate_existing=True)
    return Answer(kept.status or 500, kept.body or "", kept.digest == call.digest)


def answered(call: Call, status: int, body: str) -> None:
    """Keeps what the first call is answered."""
    db.session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.shop_id == call.shop_id, IdempotencyKey.key == call.key)
        .values(status=status, body=body),
        execution_options={"synchronize_session": False},
    )


def forget(now: datetime) -> None:
    """Keys so old that nobody repeats their calls."""
    db.session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.at < now - KEPT_FOR),
        execution_options={"synchronize_session": False},
    )
