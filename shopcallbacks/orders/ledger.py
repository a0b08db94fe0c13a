"""The ledger: every movement of money that gateways told of, booked once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, and_, false, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..domain.states import Entry
from ..domain.values import Money
from ..extensions import Base, db, utcnow

if TYPE_CHECKING:
    from .order import Order


class Payment(Base):
    """A row of the ledger: one movement of money, booked once. `owed`: a payment that the order did not take."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("account_id", "entry", "movement"),
        Index("ix_payments_account_transaction", "account_id", "transaction_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    entry: Mapped[Entry]
    movement: Mapped[str]
    transaction_id: Mapped[str | None]
    minor: Mapped[int]
    currency: Mapped[str]
    owed: Mapped[bool] = mapped_column(default=False, server_default=false())
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))
    booked_at: Mapped[datetime] = mapped_column(default=utcnow)
    order: Mapped[Order] = relationship(back_populates="ledger")

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)

    @classmethod
    def orders_of_transactions(cls, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Order ids by (account id, transaction id), for messages that bring no order number."""
        return _by_account(cls.transaction_id, keys)

    @classmethod
    def orders_of_movements(cls, entry: Entry, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Order ids by (account id, movement), to see a movement that was booked on another order."""
        return _by_account(cls.movement, keys, cls.entry == entry)


def _by_account(column: Any, keys: Iterable[tuple[int, str]], *more: Any) -> dict[tuple[int, str], int]:
    by_account: dict[int, list[str]] = {}
    for account_id, value in set(keys):
        by_account.setdefault(account_id, []).append(value)
    if not by_account:
        return {}
    rows = db.session.execute(
        select(Payment.account_id, column, Payment.order_id)
        .where(or_(*(and_(Payment.account_id == id_, column.in_(values)) for id_, values in by_account.items())), *more)
        .order_by(Payment.id.desc())
    )
    return {(account_id, value): order_id for account_id, value, order_id in rows}
