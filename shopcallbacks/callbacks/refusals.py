"""Calls that were turned away at the door: one row for each shop, account and why, however many they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.states import WrongCall
from ..extensions import Base, db
from ..shops.accounts import GatewayAccount, Shop


class Refusal(Base):
    """How often a shop's address was called in vain, since when, when last. `account_id` where the slug is known."""

    __tablename__ = "refusals"
    __table_args__ = (Index("uq_refusals", "shop_id", text("coalesce(account_id, 0)"), "why", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("gateway_accounts.id"))
    why: Mapped[WrongCall]
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]

    @classmethod
    def of_account(cls, account: GatewayAccount) -> list[Refusal]:
        """Those at the account's own address, the latest first."""
        return list(db.session.scalars(select(cls).where(cls.account_id == account.id).order_by(cls.last_at.desc())))

    @classmethod
    def of_shop(cls, shop: Shop) -> Refusal | None:
        """Those below the shop's address that are no account's."""
        return db.session.scalar(select(cls).where(cls.shop_id == shop.id, cls.account_id.is_(None)))
