"""Figures for the dashboard beside the queue: how fast callbacks become orders, and the last one that did.

Everything is about the latest few thousand, so a long history costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Float, case, func, or_, select

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback
from ..domain.states import BY_A_PERSON, Effect, State
from ..extensions import db
from ..shops.accounts import GatewayAccount, Shop
from .health import latest_of

DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Speed:
    """Of the callbacks processed in the last 24 hours (the latest few thousand): how long from arrival to effect.

    `slow`: one in twenty took longer. `alone`: the share (1 is all) that no person helped.
    """

    median: timedelta
    slow: timedelta
    alone: float


def helped_by_a_person() -> ColumnElement[bool]:
    """Dealt with by hand, or attempted because a person had it tried again, forced it or decided on it."""
    asked = select(Attempt.id).where(Attempt.callback_id == Callback.id, Attempt.kind.in_(BY_A_PERSON))
    return or_(Callback.effect.is_not_distinct_from(Effect.closed), asked.correlate(Callback).exists())


def speed(shop: Shop, now: datetime) -> Speed | None:
    """None where nothing was processed in that time."""
    by_hand = Callback.effect == Effect.closed
    latest = latest_of(
        select(
            func.extract("epoch", Callback.settled_at - Callback.received_at).label("took"),
            case((or_(Callback.attempt_count > 1, by_hand), ~helped_by_a_person()), else_=True).label("alone"),
        ),
        Callback.shop_id == shop.id,
        Callback.state == State.processed,
        Callback.received_at >= now - DAY,
        Callback.imported_at.is_(None),
    )
    median, slow, alone = db.session.execute(
        select(
            func.percentile_cont(0.5).within_group(latest.c.took),
            func.percentile_cont(0.95).within_group(latest.c.took),
            func.avg(case((latest.c.alone, 1.0), else_=0.0)).cast(Float),
        )
    ).one()
    return Speed(timedelta(seconds=median), timedelta(seconds=slow), alone) if median is not None else None


def last_processed(shop: Shop) -> tuple[datetime, str] | None:
    """When the last one came that is processed, and from which gateway."""
    row = db.session.execute(
        select(Callback.received_at, GatewayAccount.title)
        .join(Callback.account)
        .where(Callback.shop_id == shop.id, Callback.state == State.processed)
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def any_callback(shop: Shop) -> bool:
    return db.session.scalar(select(select(Callback.id).where(Callback.shop_id == shop.id).exists())) is True
