"""Payments: each try to pay an order, under all the ids that gateways gave it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ..domain import money
from ..domain.money import Dispute, Life
from ..extensions import Base


class Payment(Base):
    """One of an order's payments, as `domain.money.Payment` tells it, at its place among them.

    `transactions`: its ids, the first told first; null is that of a payment whose messages name none. `booked`: whether
    money of it ever was. `answer_by`: until when the gateway wants an answer to a dispute; `by_day`: it named the day
    only, and this is its end in UTC.
    """

    __tablename__ = "payments"
    __table_args__ = (
        # Each batch looks ids up by it: what is new is in the index at once, not in a list to be read through.
        Index(
            "ix_payments_transactions", "transactions", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
        Index("ix_payments_disputed", "shop_id", "answer_by", postgresql_where=text("dispute = 'open'")),
        Index("ix_payments_alive", "account_id", "heard_at", postgresql_where=text("life = 'alive'")),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    transactions: Mapped[list[str | None]] = mapped_column(JSONB)
    life: Mapped[Life]
    booked: Mapped[bool] = mapped_column(default=False, server_default=false())
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    dispute: Mapped[Dispute | None]
    answer_by: Mapped[datetime | None]
    by_day: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def facts(self) -> money.Payment:
        return try_of(self)


def try_of(payment: Any) -> money.Payment:
    """A payment, or a row of its table, as the rules see it."""
    return money.Payment(
        payment.account_id,
        tuple(payment.transactions),
        payment.life,
        payment.began_at,
        payment.ended_at,
        payment.heard_at,
        payment.dispute,
        answer_by_of(payment.answer_by, payment.by_day),
    )


def moment_of(answer_by: datetime | date | None) -> tuple[datetime | None, bool]:
    """The moment to keep, and whether only its day was named."""
    if answer_by is None or isinstance(answer_by, datetime):
        return answer_by, False
    return datetime.combine(answer_by, time.max, UTC), True


def answer_by_of(moment: datetime | None, by_day: bool) -> datetime | date | None:
    """What `moment_of` kept."""
    return moment.astimezone(UTC).date() if moment and by_day else moment
