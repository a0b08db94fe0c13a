"""The feed of order changes: in the order they were committed and without holes, so that a shop's system can follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, event, false, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from ..bells import ring_outgoing
from ..clock import utcnow
from ..domain.money import Event
from ..domain.states import OrderState
from ..domain.values import Money
from ..extensions import Base, db, must_not_stand_still
from ..sets import insert_rows
from ..shapes.feed import OrderChange


@dataclass(frozen=True)
class Told:
    """An event to tell of an order. `before`: its state then; `actor`: the person who made it so, if one did."""

    shop_id: int
    order_id: int
    event: Event
    before: OrderState | None
    callback_id: int | None = None
    actor: str = ""
    other_waits: bool = False


class OrderEvent(Base):
    """One change of an order. `position` is its place in the shop's feed: in the order of commits, without holes.

    The figures are those just after it, in minor units of the order's currency (`owed_other`: by other currency).
    `other_payment_waits`: another full payment of the order waits for a person then.
    """

    __tablename__ = "order_events"
    __table_args__ = (UniqueConstraint("shop_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    number: Mapped[str]
    position: Mapped[int]
    kind: Mapped[str]
    from_state: Mapped[OrderState | None]
    to_state: Mapped[OrderState]
    minor: Mapped[int | None]
    currency: Mapped[str | None]
    transaction_id: Mapped[str | None]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("gateway_accounts.id"))
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))
    actor: Mapped[str] = mapped_column(default="")
    order_currency: Mapped[str]
    total_minor: Mapped[int]
    paid_minor: Mapped[int]
    given_back_minor: Mapped[int]
    kept_minor: Mapped[int]
    owed_minor: Mapped[int]
    owed_other: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    other_payment_waits: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def money(self) -> Money | None:
        return Money.known(self.minor, self.currency)

    @property
    def shape(self) -> OrderChange:
        """As the shop reads it, fetched from the API or sent to its endpoint."""
        return OrderChange(
            position=str(self.position),
            kind=self.kind,
            order=self.number,
            from_=self.from_state,
            to=self.to_state,
            amount=str(self.money.amount) if self.money else None,
            currency=self.currency,
            transaction_id=self.transaction_id,
            total=self._sum(self.total_minor),
            paid=self._sum(self.paid_minor),
            given_back=self._sum(self.given_back_minor),
            kept=self._sum(self.kept_minor),
            owed=self._sum(self.owed_minor),
            owed_other={of: str(Money(minor, of).amount) for of, minor in sorted(self.owed_other.items())},
            order_currency=self.order_currency,
            other_payment_waits=self.other_payment_waits,
            callback_id=self.callback_id,
            at=self.at,
        )

    def _sum(self, minor: int) -> str:
        return str(Money(minor, self.order_currency).amount)

    @classmethod
    def of_a_test(cls, now: datetime) -> OrderEvent:
        """One that is kept nowhere: of an order `TEST` that there is not, at a place before all."""
        nothing = dict.fromkeys(("total_minor", "paid_minor", "given_back_minor", "kept_minor", "owed_minor"), 0)
        return cls(
            position=0,
            kind="test",
            number="TEST",
            to_state=OrderState.temporary,
            order_currency="EUR",
            owed_other={},
            other_payment_waits=False,
            at=now,
            **nothing,
        )

    @classmethod
    def after(cls, shop_id: int, position: int, limit: int) -> Sequence[OrderEvent]:
        """The shop's events behind that place in the feed."""
        return db.session.scalars(
            select(cls).where(cls.shop_id == shop_id, cls.position > position).order_by(cls.position).limit(limit)
        ).all()


class Feed(Base):
    """Where each shop's feed of events ends. `followed`: somebody is told of new ones at once."""

    __tablename__ = "feeds"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    followed: Mapped[bool] = mapped_column(default=False, server_default=false())

    @classmethod
    def follow(cls, shop_id: int, followed: bool) -> int:
        """From here on somebody is told of new events, or nobody. Where the feed ends."""
        return db.session.execute(
            insert(cls)
            .values(shop_id=shop_id, position=0, followed=followed)
            .on_conflict_do_update(index_elements=["shop_id"], set_={"followed": followed})
            .returning(cls.position)
        ).scalar_one()

    @classmethod
    def leap(cls, places: int) -> None:
        """Every feed goes on so many places further: those between may have been told before, of other events."""
        db.session.execute(
            update(cls).values(position=cls.position + places), execution_options={"synchronize_session": False}
        )


# In the session's `info` once it has published events that somebody is to be told of.
_FOLLOWED = "followed events"


def published(told: Sequence[Told], now: datetime) -> None:
    """Tells of them, each at its place. The last thing before a commit: it holds the shops' feeds until then.

    A feed's row is locked from here to the commit, so places are given in the order of commits, and a rollback gives
    its places back: a follower never sees a hole that is filled later.
    """
    if not told:
        return
    must_not_stand_still()
    counts = Counter(one.shop_id for one in told)
    ends = insert_rows(
        db.session,
        Feed,
        [{"shop_id": shop_id, "position": counts[shop_id]} for shop_id in sorted(counts)],
        else_="(shop_id) DO UPDATE SET position = feeds.position + EXCLUDED.position",
        returning="shop_id, position, followed",
    )
    places = {row.shop_id: iter(range(row.position - counts[row.shop_id] + 1, row.position + 1)) for row in ends}
    insert_rows(db.session, OrderEvent, [_row(one, next(places[one.shop_id]), now) for one in told])
    if any(row.followed for row in ends):
        db.session.info[_FOLLOWED] = True


def _row(told: Told, position: int, now: datetime) -> dict[str, Any]:
    event_, order = told.event, told.event.order
    currency = order.total.currency
    return {
        "shop_id": told.shop_id,
        "order_id": told.order_id,
        "number": order.number,
        "position": position,
        "kind": str(event_.kind),
        "from_state": told.before,
        "to_state": order.state,
        "minor": event_.money.minor if event_.money else None,
        "currency": event_.money.currency if event_.money else None,
        "transaction_id": event_.transaction,
        "account_id": event_.account,
        "callback_id": told.callback_id,
        "actor": told.actor,
        "order_currency": currency,
        "total_minor": order.total.minor,
        "paid_minor": order.taken,
        "given_back_minor": order.given_back,
        "kept_minor": order.kept,
        "owed_minor": order.owed.get(currency, 0),
        "owed_other": {of: minor for of, minor in order.owed.items() if of != currency},
        "other_payment_waits": told.other_waits,
        "at": now,
    }


@event.listens_for(db.session, "after_transaction_end")
def _ring_for_followers(session: Session, transaction: SessionTransaction) -> None:
    """Order changes were committed (or not, then the ring finds nothing) that a shop's endpoint is to be told of."""
    if transaction.parent is None and session.info.pop(_FOLLOWED, False):
        ring_outgoing()
