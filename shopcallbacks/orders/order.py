"""Orders, their ledger of payments and refunds, and the events that a shop's own system can follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, and_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from ..domain.errors import Refused
from ..domain.states import Effect, Entry, OrderState
from ..domain.transitions import Booked, Decision, OrderFacts
from ..domain.values import Money
from ..extensions import Base, db, utcnow
from ..shops.acts import Activity
from ..shops.users import User
from .feed import OrderEvent, publish
from .intake import NewOrder
from .ledger import Payment


class Order(Base):
    """A shop's order, as far as its payment goes. `account_id`: the only gateway account that may move it, if named.

    `owed_minor`: what came in, was not taken and is still to be given back; `settled_minor`: what a person said was.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("shop_id", "number"),
        Index("ix_orders_shop_time", "shop_id", "created_at", "id"),
        Index("ix_orders_shop_state_time", "shop_id", "state", "created_at", "id"),
        Index("ix_orders_owed", "shop_id", "changed_at", "id", postgresql_where=text("owed_minor > 0")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    number: Mapped[str]
    state: Mapped[OrderState] = mapped_column(default=OrderState.temporary)
    amount_minor: Mapped[int]
    currency: Mapped[str]
    test: Mapped[bool] = mapped_column(default=False)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("gateway_accounts.id"))
    customer_email: Mapped[str | None]
    awaited_transaction: Mapped[str | None]
    owed_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    settled_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    ledger: Mapped[list[Payment]] = relationship(back_populates="order", order_by="Payment.id", passive_deletes="all")
    events: Mapped[list[OrderEvent]] = relationship(
        back_populates="order", order_by="OrderEvent.id", passive_deletes="all"
    )

    @property
    def total(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def owed(self) -> Money:
        """What is still to be given back to the customer."""
        return Money(self.owed_minor, self.currency)

    def sum_of(self, entry: Entry) -> Money:
        return Money(sum(row.minor for row in self.ledger if row.entry is entry), self.currency)

    @property
    def paid(self) -> Money:
        return self.sum_of(Entry.payment)

    @property
    def refunded(self) -> Money:
        return self.sum_of(Entry.refund)

    @property
    def facts(self) -> OrderFacts:
        """The order as the transition table sees it."""
        rows = tuple(Booked(row.entry, row.movement, row.transaction_id, row.minor, row.owed) for row in self.ledger)
        return OrderFacts(
            self.number, self.state, self.total, self.test, self.awaited_transaction, rows, self.settled_minor
        )

    def take(
        self, decision: Decision, callback_id: int | None, account_id: int, now: datetime, actor: str = ""
    ) -> None:
        """Makes the decision so: state, ledger row and event. `actor`: who ruled so, where a person did."""
        before = self.state
        self.state = decision.state
        if decision.effect is Effect.awaiting:
            self.awaited_transaction = decision.awaited
        if decision.book is not None:
            self.ledger.append(
                Payment(
                    shop_id=self.shop_id,
                    account_id=account_id,
                    entry=decision.book.entry,
                    movement=decision.book.movement,
                    transaction_id=decision.book.transaction_id,
                    minor=decision.book.minor,
                    currency=self.currency,
                    owed=decision.book.owed,
                    callback_id=callback_id,
                    booked_at=now,
                )
            )
            self.owed_minor = self.facts.owed
        if decision.effect not in (Effect.none, Effect.repeated):
            self.changed_at = now
            self.log(str(decision.effect), before, now, callback_id=callback_id, actor=actor, book=decision.book)

    def settle(self, user: User, why: str) -> None:
        """The money owed was given back, a person says; no gateway needs to tell. `Refused` where none is owed."""
        if not why:
            raise Refused("Say how it was given back: it is kept with your name.")
        if not self.owed_minor:
            raise Refused("Nothing is owed on this order any more.")
        now, what = utcnow(), str(self.owed)
        self.settled_minor, self.owed_minor, self.changed_at = self.facts.not_taken, 0, now
        self.log("settled", self.state, now, actor=user.name)
        publish()
        Activity.record("settle", user, self.shop_id, order_id=self.id, why=why, what=what)

    def log(
        self,
        kind: str,
        before: OrderState | None,
        now: datetime,
        callback_id: int | None = None,
        actor: str = "",
        book: Booked | None = None,
    ) -> None:
        """An event of this order. It gets its place in the shop's feed by `publish`, at the end of the transaction."""
        db.session.add(
            OrderEvent(
                order=self,
                shop_id=self.shop_id,
                kind=kind,
                from_state=before,
                to_state=self.state,
                minor=book.minor if book else None,
                currency=self.currency if book else None,
                transaction_id=book.transaction_id if book else None,
                callback_id=callback_id,
                actor=actor,
                at=now,
            )
        )

    @classmethod
    def create(cls, new: NewOrder, shop_id: int) -> tuple[Order, bool]:
        """The shop's order of that number, and whether it is new. Nothing changes where there is one already."""
        now = utcnow()
        values = {
            "shop_id": shop_id,
            "number": new.number,
            "state": OrderState.temporary,
            "amount_minor": new.total.minor,
            "currency": new.total.currency,
            "test": new.test,
            "account_id": new.account_id,
            "customer_email": new.customer_email,
            "created_at": now,
            "changed_at": now,
        }
        made = db.session.scalar(
            insert(cls).values(values).on_conflict_do_nothing(index_elements=["shop_id", "number"]).returning(cls)
        )
        if made is None:
            return cls.find(shop_id, new.number), False  # type: ignore[return-value]
        made.log("created", None, now, actor=new.actor)
        publish()
        return made, True

    @classmethod
    def find(cls, shop_id: int, number: str) -> Order | None:
        return db.session.scalar(select(cls).where(cls.shop_id == shop_id, cls.number == number))

    @classmethod
    def lock(cls, ids: Iterable[int]) -> dict[int, Order]:
        """The orders by id, with their ledgers, locked one after the other so that two batches never wait in a ring."""
        orders = db.session.scalars(
            select(cls)
            .where(cls.id.in_(sorted(set(ids))))
            .order_by(cls.id)
            .with_for_update()
            .options(selectinload(cls.ledger))
            .execution_options(populate_existing=True)
        )
        return {order.id: order for order in orders}

    @classmethod
    def read(cls, ids: Iterable[int]) -> dict[int, Order]:
        """The orders by id, with their ledgers, not locked: to look, not to change."""
        orders = db.session.scalars(select(cls).where(cls.id.in_(set(ids))).options(selectinload(cls.ledger)))
        return {order.id: order for order in orders}

    @classmethod
    def ids_by_number(cls, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Order ids by (shop id, number)."""
        by_shop: dict[int, list[str]] = {}
        for shop_id, number in set(keys):
            by_shop.setdefault(shop_id, []).append(number)
        if not by_shop:
            return {}
        rows = db.session.execute(
            select(cls.shop_id, cls.number, cls.id).where(
                or_(*(and_(cls.shop_id == shop_id, cls.number.in_(numbers)) for shop_id, numbers in by_shop.items()))
            )
        )
        return {(shop_id, number): id_ for shop_id, number, id_ in rows}
