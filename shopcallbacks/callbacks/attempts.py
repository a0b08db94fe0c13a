"""Attempts: every run over a callback, and what its messages did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..domain.errors import Reason
from ..domain.states import AttemptKind, Effect
from ..domain.values import Message, Money, Outcome, Verdict
from ..extensions import Base, db
from ..shops.users import User

if TYPE_CHECKING:
    from .callback import Callback


class Attempt(Base):
    """One run over a callback. Written once, never changed."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), index=True)
    number: Mapped[int]
    kind: Mapped[AttemptKind]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    why: Mapped[str | None]
    at: Mapped[datetime]
    duration_us: Mapped[int]
    verdict: Mapped[Verdict | None]
    verification: Mapped[str] = mapped_column(default="")
    secret: Mapped[str | None]
    diagnosis: Mapped[str | None]
    outcome: Mapped[Outcome | None]
    effect: Mapped[Effect | None]
    reason: Mapped[Reason | None]
    detail: Mapped[str] = mapped_column(default="")
    error: Mapped[str | None]

    callback: Mapped[Callback] = relationship(back_populates="attempts")
    asked_by: Mapped[User | None] = relationship()

    @classmethod
    def last_of(cls, callback_ids: Iterable[int]) -> dict[int, Attempt]:
        """The latest attempt of each callback that had one, by callback id."""
        rows = db.session.scalars(
            select(cls)
            .where(cls.callback_id.in_(list(callback_ids)))
            .ext(distinct_on(cls.callback_id))
            .order_by(cls.callback_id, cls.id.desc())
            .options(joinedload(cls.asked_by))
        )
        return {attempt.callback_id: attempt for attempt in rows}


class KeptMessage(Base):
    """What one message of a callback said and did. Only of genuine or forced callbacks; an applied one stays so."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_account_event", "account_id", "event_id", postgresql_where=text("event_id IS NOT NULL")),
    )

    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    outcome: Mapped[Outcome]
    order_number: Mapped[str | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    transaction_id: Mapped[str | None]
    event_id: Mapped[str | None]
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    effect: Mapped[Effect | None]
    reason: Mapped[Reason | None]
    detail: Mapped[str] = mapped_column(default="")
    applied_at: Mapped[datetime | None]

    callback: Mapped[Callback] = relationship(back_populates="messages")

    @property
    def money(self) -> Money | None:
        return Money.known(self.amount_minor, self.currency)

    @property
    def said(self) -> Message:
        return Message(self.outcome, self.order_number, self.transaction_id, self.event_id, self.money)

    @classmethod
    def known(cls, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, bytes, Message]]:
        """The first callback (id, digest) that told of an event, and what it said, by (account id, event id)."""
        wanted = list(set(keys))
        if not wanted:
            return {}
        rows = db.session.scalars(
            select(cls)
            .where(tuple_(cls.account_id, cls.event_id).in_(wanted))
            .order_by(cls.callback_id.desc())
            .options(joinedload(cls.callback))
        )
        return {(m.account_id, m.event_id or ""): (m.callback_id, m.callback.digest, m.said) for m in rows}
