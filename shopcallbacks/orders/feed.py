"""The feed of order changes: in the order they were committed and without holes, so that a shop's system can follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, UniqueConstraint, event, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column, relationship, selectinload

from ..domain.states import OrderState
from ..domain.values import Money
from ..extensions import Base, db, ring_outgoing, utcnow

if TYPE_CHECKING:
    from .order import Order


class OrderEvent(Base):
    """One change of an order. `position` is its place in the shop's feed: in the order of commits, without holes."""

    __tablename__ = "order_events"
    __table_args__ = (UniqueConstraint("shop_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    position: Mapped[int]
    kind: Mapped[str]
    from_state: Mapped[OrderState | None]
    to_state: Mapped[OrderState]
    minor: Mapped[int | None]
    currency: Mapped[str | None]
    transaction_id: Mapped[str | None]
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))
    actor: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=utcnow)
    order: Mapped[Order] = relationship(back_populates="events")

    @property
    def money(self) -> Money | None:
        return Money.known(self.minor, self.currency)

    @property
    def as_json(self) -> dict[str, Any]:
        """As the shop reads it, fetched from the API or sent to its endpoint."""
        return {
            "position": str(self.position),
            "kind": self.kind,
            "order": self.order.number,
            "from": self.from_state,
            "to": self.to_state,
            "amount": str(self.money.amount) if self.money else None,
            "currency": self.currency,
            "transaction_id": self.transaction_id,
            "callback_id": self.callback_id,
            "at": self.at.isoformat(),
        }

    @classmethod
    def after(cls, shop_id: int, position: int, limit: int) -> Sequence[OrderEvent]:
        """The shop's events behind that place in the feed."""
        return db.session.scalars(
            select(cls)
            .where(cls.shop_id == shop_id, cls.position > position)
            .order_by(cls.position)
            .limit(limit)
            .options(selectinload(cls.order))
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


# In the session's `info` once it has published events that somebody is to be told of.
FOLLOWED = "followed events"


def publish() -> None:
    """Gives the session's new events their places. The last thing before a commit: it holds the shop's feed until then.

    The feed's row is locked from here to the commit, so places are given in the order of commits, and a rollback
    gives its places back: a follower never sees a hole that is filled later.
    """
    new: dict[int, list[OrderEvent]] = {}
    with db.session.no_autoflush:
        for event in db.session.new:
            if isinstance(event, OrderEvent):
                new.setdefault(event.shop_id, []).append(event)
        for shop_id in sorted(new):
            events = sorted(new[shop_id], key=lambda event: event.at)
            end, followed = db.session.execute(
                insert(Feed)
                .values(shop_id=shop_id, position=len(events))
                .on_conflict_do_update(index_elements=["shop_id"], set_={"position": Feed.position + len(events)})
                .returning(Feed.position, Feed.followed)
            ).one()
            db.session.info[FOLLOWED] = followed or db.session.info.get(FOLLOWED, False)
            for place, event in enumerate(events, start=end - len(events) + 1):
                event.position = place
    db.session.flush()


@event.listens_for(db.session, "after_transaction_end")
def _ring_for_followers(session: Session, transaction: SessionTransaction) -> None:
    """Order changes were committed (or not, then the ring finds nothing) that a shop's endpoint is to be told of."""
    if transaction.parent is None and session.info.pop(FOLLOWED, False):
        ring_outgoing()
