"""Orders: what stands of each, and its figures, which are the sums of its ledger kept beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import utcnow
from ..domain.money import Booking, OrderFacts
from ..domain.money import Payment as Try
from ..domain.states import CancelledBy, OrderState
from ..domain.values import Money
from ..extensions import Base, db
from ..sets import keyed, wanted
from .feed import OrderEvent
from .ledger import LedgerRow
from .payments import Payment

OWES = text("owed_minor > 0 OR owed_other <> '{}'::jsonb")


class Order(Base):
    """A shop's order, as far as its payment goes. `account_id`: the only gateway account that may move it, if named.

    `created_at`: when the shop first handed it in. `held_since`: a refusal is held back since then.
    In minor units of its currency: `taken_minor` (money that it counts as its own), `given_back_minor`, `kept_minor`,
    `waived_minor` (what people let go), `owed_minor` (the customer's money that is with us); `owed_other`: what is owed
    in other currencies, by currency. All follow from the ledger (`domain.money`).
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("shop_id", "number"),
        Index("ix_orders_shop_time", "shop_id", "created_at", "id"),
        Index("ix_orders_shop_state_time", "shop_id", "state", "created_at", "id"),
        Index("ix_orders_owed", "shop_id", "changed_at", "id", postgresql_where=OWES),
        Index(
            "ix_orders_part_paid",
            "shop_id",
            "changed_at",
            "id",
            postgresql_where=text("state = 'awaiting_payment' AND kept_minor > 0"),
        ),
        Index(
            "ix_orders_awaiting",
            "shop_id",
            "changed_at",
            "id",
            postgresql_where=text("state = 'awaiting_payment'"),
        ),
        Index("ix_orders_expiring", "expires_at", postgresql_where=text("state IN ('temporary', 'awaiting_payment')")),
        Index("ix_orders_held", "held_since", postgresql_where=text("held_since IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    number: Mapped[str]
    state: Mapped[OrderState] = mapped_column(default=OrderState.temporary)
    cancelled_by: Mapped[CancelledBy | None]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    test: Mapped[bool] = mapped_column(default=False)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("gateway_accounts.id"))
    customer_email: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    held_since: Mapped[datetime | None]
    taken_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    given_back_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    kept_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    waived_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    owed_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    owed_other: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)

    payments: Mapped[list[Payment]] = relationship(order_by=Payment.place, viewonly=True)
    ledger: Mapped[list[LedgerRow]] = relationship(order_by=LedgerRow.id, viewonly=True)
    events: Mapped[list[OrderEvent]] = relationship(order_by=OrderEvent.id, viewonly=True)

    @property
    def facts(self) -> OrderFacts:
        """As the rules see it."""
        return facts_of(self, (row.facts for row in self.payments), (row.booking for row in self.ledger))

    @property
    def total(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def paid(self) -> Money:
        """What it took."""
        return Money(self.taken_minor, self.currency)

    @property
    def given_back(self) -> Money:
        return Money(self.given_back_minor, self.currency)

    @property
    def kept(self) -> Money:
        return Money(self.kept_minor, self.currency)

    @property
    def waived(self) -> Money:
        """What people let go."""
        return Money(self.waived_minor, self.currency)

    @property
    def need(self) -> Money:
        """What it still wants; below zero where it keeps more than its total."""
        return Money(self.amount_minor - self.kept_minor - self.waived_minor, self.currency)

    @property
    def owed(self) -> tuple[Money, ...]:
        """What is still to be given back to the customer, its own currency first."""
        own = (Money(self.owed_minor, self.currency),) if self.owed_minor else ()
        return (*own, *(Money(minor, currency) for currency, minor in sorted(self.owed_other.items())))

    @property
    def owes(self) -> bool:
        return bool(self.owed_minor or self.owed_other)

    @property
    def part_paid(self) -> bool:
        return self.state is OrderState.awaiting_payment and self.kept_minor > 0

    @classmethod
    def find(cls, shop_id: int, number: str) -> Order | None:
        return db.session.scalar(select(cls).where(cls.shop_id == shop_id, cls.number == number))

    @classmethod
    def read(cls, ids: Collection[int]) -> dict[int, Order]:
        """The orders by id, to look at."""
        return {order.id: order for order in db.session.scalars(select(cls).where(cls.id.in_(ids)))} if ids else {}

    @classmethod
    def ids_by_number(cls, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Order ids by (shop id, number)."""
        if not keys:
            return {}
        rows = db.session.execute(_BY_NUMBER, keyed("shop_id number", keys))
        return {(shop_id, number): id_ for shop_id, number, id_ in rows}


_orders = Order.__table__.c
_BY_NUMBER = select(_orders.shop_id, _orders.number, _orders.id).join(*wanted(_orders.shop_id, _orders.number))


def facts_of(order: Any, payments: Iterable[Try], ledger: Iterable[Booking]) -> OrderFacts:
    """An order, or a row of its table, as the rules see it."""
    return OrderFacts(
        number=order.number,
        total=Money(order.amount_minor, order.currency),
        state=order.state,
        cancelled_by=order.cancelled_by,
        test=order.test,
        account=order.account_id,
        email=order.customer_email,
        expires_at=order.expires_at,
        held_since=order.held_since,
        payments=tuple(payments),
        ledger=tuple(ledger),
    )
