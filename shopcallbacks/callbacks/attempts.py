"""Attempts: every run over a callback, and what its messages said and did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, false, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..domain.errors import CallbackFailed, Conflict, Reason
from ..domain.states import AttemptKind, Effect
from ..domain.values import Message, Money, Outcome, Verdict
from ..extensions import Base, db
from ..orders.payments import answer_by_of, moment_of
from ..shops.users import User


class Attempt(Base):
    """One run over a callback. Written once, never changed."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_by_a_person", "callback_id", postgresql_where=text("kind NOT IN ('first', 'automatic')")),
        # They come in order, so a few bytes say which times stand where.
        Index(
            "ix_attempts_at",
            "at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
    )

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
    conflict: Mapped[Conflict | None]
    detail: Mapped[str] = mapped_column(default="")
    error: Mapped[str | None]

    asked_by: Mapped[User | None] = relationship()

    @property
    def succeeded(self) -> bool:
        return succeeded(self.kind, self.reason, self.conflict)

    @property
    def came_to(self) -> tuple[object, ...]:
        """Where it left its callback; in what words, may differ from one time to the next."""
        return self.verdict, self.outcome, self.effect, self.reason, self.conflict

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


def succeeded(kind: AttemptKind, reason: Reason | None, conflict: Conflict | None) -> bool:
    """Whether an attempt came to what was asked for; what is no longer owed is to wait, for it is decided anew."""
    if kind is AttemptKind.unowed:
        return conflict is Conflict.payment_taken_out
    return reason is None


_WAITS = text("reason IS NOT NULL")


class KeptMessage(Base):
    """What one message of a callback said and did. Only of genuine or forced callbacks; an applied one stays so.

    One that waits has its `reason`; it is decided again as it stands here, without asking anybody once more.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_account_event", "account_id", "event_id", postgresql_where=text("event_id IS NOT NULL")),
        Index("ix_messages_waiting_order", "order_id", postgresql_where=_WAITS),
        Index("ix_messages_waiting_number", "order_number", postgresql_where=_WAITS),
        Index("ix_messages_waiting_transaction", "transaction_id", postgresql_where=_WAITS),
        Index("ix_messages_waiting_carries_on", "carries_on", postgresql_where=_WAITS),
        Index("ix_messages_lost", "callback_id", postgresql_where=text("reason = 'order_not_found'")),
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
    test: Mapped[bool | None]
    movement: Mapped[str | None]
    total: Mapped[bool] = mapped_column(default=False, server_default=false())
    at_least: Mapped[bool] = mapped_column(default=False, server_default=false())
    part: Mapped[bool] = mapped_column(default=False, server_default=false())
    carries_on: Mapped[str | None]
    uncaptured: Mapped[bool] = mapped_column(default=False, server_default=false())
    answer_by: Mapped[datetime | None]
    by_day: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime | None]
    customer: Mapped[str | None]
    effect: Mapped[Effect | None]
    reason: Mapped[Reason | None]
    conflict: Mapped[Conflict | None]
    detail: Mapped[str] = mapped_column(default="")
    applied_at: Mapped[datetime | None]

    @property
    def money(self) -> Money | None:
        return Money.known(self.amount_minor, self.currency)

    @property
    def said(self) -> Message:
        """The message, whole."""
        return said(self)

    @property
    def failure(self) -> CallbackFailed | None:
        """Why it waits."""
        return CallbackFailed(self.reason, self.detail, self.conflict) if self.reason else None


def said(row: Any) -> Message:
    """The message of a row with this table's columns."""
    return Message(
        outcome=row.outcome,
        order_number=row.order_number,
        transaction_id=row.transaction_id,
        event_id=row.event_id,
        money=Money.known(row.amount_minor, row.currency),
        test=row.test,
        movement=row.movement,
        total=row.total,
        at_least=row.at_least,
        part=row.part,
        carries_on=row.carries_on,
        uncaptured=row.uncaptured,
        answer_by=answer_by_of(row.answer_by, row.by_day),
        at=row.at,
        detail=row.detail if row.reason in (Reason.unclear, Reason.unreadable) else "",
        unreadable=row.reason is Reason.unreadable,
        customer=row.customer,
    )


def columns_of(message: Message) -> dict[str, Any]:
    """The columns that keep what the message says."""
    by, by_day = moment_of(message.answer_by)
    return {
        "outcome": message.outcome,
        "order_number": kept_text(message.order_number),
        "transaction_id": kept_text(message.transaction_id),
        "event_id": kept_text(message.event_id),
        "amount_minor": message.money.minor if message.money else None,
        "currency": message.money.currency if message.money else None,
        "test": message.test,
        "movement": kept_text(message.movement),
        "total": message.total,
        "at_least": message.at_least,
        "part": message.part,
        "carries_on": kept_text(message.carries_on),
        "uncaptured": message.uncaptured,
        "answer_by": by,
        "by_day": by_day,
        "at": message.at,
        "customer": kept_text(message.customer),
    }


_LONGEST = 500


def kept_text(value: str | None) -> str | None:
    """What PostgreSQL can hold as text and in an index (2,700 bytes at most); two long ones that differ still do."""
    if value is None:
        return None
    text_ = value.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if len(text_) <= _LONGEST:
        return text_
    return f"{text_[: _LONGEST - 33]}\N{HORIZONTAL ELLIPSIS}{hashlib.sha256(text_.encode()).hexdigest()[:32]}"


def as_kept(message: Message) -> Message:
    """The message with its names as they are kept, so that it is decided on what will be found again."""
    said = {name: getattr(message, name) for name in _NAMES}
    kept: dict[str, Any] = {name: kept_text(value) for name, value in said.items()}
    return replace(message, **kept) if kept != said else message


_NAMES = ("order_number", "transaction_id", "event_id", "movement", "carries_on", "customer")
