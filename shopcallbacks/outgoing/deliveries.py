"""Deliveries: one order change on its way to one endpoint, in order per order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, UniqueConstraint, func, or_, select, text, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..extensions import Base, db
from ..orders.feed import OrderEvent
from .sending import Sending

_OPEN = text("next_try_at IS NOT NULL")


class Part(StrEnum):
    """Which deliveries a list shows."""

    all = "all"
    waiting = "waiting"
    given_up = "given_up"


class Delivery(Sending, Base):
    """One order change to one endpoint, and what became of it. Of one order they go out one after the other."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_deliveries_due", "endpoint_id", "next_try_at", "position", postgresql_where=_OPEN),
        Index("ix_deliveries_in_order", "order_id", "endpoint_id", "position", postgresql_where=_OPEN),
        Index("ix_deliveries_endpoint_position", "endpoint_id", "position"),
        Index("ix_deliveries_order", "order_id"),
        Index("ix_deliveries_given_up", "endpoint_id", "position", postgresql_where=text("given_up_at IS NOT NULL")),
    )

    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoints.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("order_events.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    event: Mapped[OrderEvent] = relationship()

    @property
    def name(self) -> str:
        """The webhook-id: the same at every try, so that the shop can tell what it has had."""
        return f"evt_{self.event_id}"

    @classmethod
    def lease(cls, endpoint_id: int, limit: int, now: datetime, seconds: float) -> list[Delivery]:
        """The next ones for the endpoint, ours for that long. None whose order has an earlier one still to come."""
        found = list(
            db.session.scalars(
                select(cls)
                .where(
                    cls.endpoint_id == endpoint_id,
                    cls.its_turn(now, cls.order_id, cls.endpoint_id, by=cls.position),
                )
                .order_by(cls.next_try_at, cls.position)
                .limit(limit)
                .with_for_update(of=cls, skip_locked=True)
                .options(joinedload(cls.event))
                .execution_options(populate_existing=True)
            )
        )
        cls.keep_lease([delivery.id for delivery in found], seconds)
        return found

    @classmethod
    def of_order(cls, order_id: int) -> Sequence[Delivery]:
        wanted = select(cls).where(cls.order_id == order_id).order_by(cls.position)
        return db.session.scalars(wanted.options(joinedload(cls.event))).all()

    @classmethod
    def latest(cls, endpoint_id: int, part: Part, before: int | None, limit: int) -> Sequence[Delivery]:
        """Newest first; `before` a place in the feed to go on from."""
        wanted = select(cls).where(cls.endpoint_id == endpoint_id, *_in_part(part))
        if before is not None:
            wanted = wanted.where(cls.position < before)
        related = joinedload(cls.event)
        return db.session.scalars(wanted.order_by(cls.position.desc()).limit(limit).options(related)).all()

    @classmethod
    def counts(cls, endpoint_id: int) -> dict[Part, int]:
        """How many wait and how many were given up: each reads its own partial index."""
        return {
            part: db.session.scalar(
                select(func.count()).select_from(cls).where(cls.endpoint_id == endpoint_id, *_in_part(part))
            )
            or 0
            for part in (Part.waiting, Part.given_up)
        }

    @classmethod
    def hurry(cls, endpoint_id: int, now: datetime) -> None:
        """What waits for its next try has waited long enough."""
        db.session.execute(
            update(cls)
            .where(cls.endpoint_id == endpoint_id, cls.next_try_at > now, cls.leased_until.is_(None))
            .values(next_try_at=now),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def begin_anew(cls, endpoint_id: int, now: datetime) -> None:
        """What waits, all from the start: time in which nobody tried is not counted. What is on its way goes on."""
        at_rest = or_(cls.leased_until.is_(None), cls.leased_until < now)
        db.session.execute(
            update(cls)
            .where(cls.endpoint_id == endpoint_id, *_in_part(Part.waiting), at_rest)
            .values(begun_at=now, next_try_at=now, tries=0),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def send_all_again(cls, endpoint_id: int, now: datetime) -> int:
        """Those that were given up, all from the start. How many."""
        given_up = select(cls).where(cls.endpoint_id == endpoint_id, *_in_part(Part.given_up)).with_for_update()
        found = db.session.scalars(given_up).all()
        for delivery in found:
            delivery.send_again(now)
        return len(found)


def _in_part(part: Part) -> list[ColumnElement[bool]]:
    wanted: dict[Part, list[ColumnElement[bool]]] = {
        Part.all: [],
        Part.waiting: [Delivery.next_try_at.is_not(None)],
        Part.given_up: [Delivery.given_up_at.is_not(None)],
    }
    return wanted[part]
