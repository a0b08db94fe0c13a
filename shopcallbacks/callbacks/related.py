"""Other callbacks about the same: the same event, the same transaction, the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, union
from sqlalchemy.orm import load_only

from ..domain.money import OrderFacts
from ..domain.states import State
from ..domain.values import Message
from ..extensions import db
from ..orders.order import Order
from .attempts import KeptMessage
from .callback import CHECKED, LIGHT, Callback
from .waiting import ABOUT, Keys, by, other_paid

MOST = 20


@dataclass(frozen=True)
class Related:
    """`link`: by what it is related, the closest there is. `same_body`: byte for byte."""

    callback: Callback
    link: str
    same_body: bool


def related_to(callback: Callback) -> Sequence[Related]:
    """The earliest others, up to `MOST`."""
    found = db.session.scalars(
        select(Callback)
        .where(or_(*_links(callback)), Callback.id != callback.id)
        .order_by(Callback.received_at, Callback.id)
        .limit(MOST)
        .options(
            load_only(
                Callback.received_at,
                Callback.state,
                Callback.reason,
                Callback.effect,
                Callback.digest,
                Callback.event_id,
                Callback.transaction_id,
                Callback.account_id,
                Callback.order_id,
            )
        )
    )
    return [Related(other, _link(callback, other), other.digest == callback.digest) for other in found]


def _links(callback: Callback) -> list[ColumnElement[bool]]:
    links: list[ColumnElement[bool]] = [Callback.id == callback.repeats_id]
    if callback.event_id:
        links.append(and_(Callback.account_id == callback.account_id, Callback.event_id == callback.event_id))
    if callback.transaction_id:
        links.append(and_(Callback.shop_id == callback.shop_id, Callback.transaction_id == callback.transaction_id))
    if callback.order_id:
        links.append(Callback.order_id == callback.order_id)
    return links


def _link(callback: Callback, other: Callback) -> str:
    if callback.event_id and (other.account_id, other.event_id) == (callback.account_id, callback.event_id):
        return "event"
    if callback.transaction_id and other.transaction_id == callback.transaction_id:
        return "transaction"
    return "order"


CALLBACKS = 100


def callbacks_about(order: Order) -> list[Callback]:
    """The latest callbacks that name the order, or of which one message was about it; newest first."""
    about = union(
        select(Callback.id).where(Callback.order_id == order.id),
        select(Callback.id).where(Callback.shop_id == order.shop_id, Callback.order_number == order.number),
        select(KeptMessage.callback_id).where(KeptMessage.order_id == order.id),
    ).subquery()
    return list(
        db.session.scalars(
            select(Callback)
            .where(Callback.id.in_(select(about)))
            .order_by(Callback.received_at.desc(), Callback.id.desc())
            .limit(CALLBACKS)
            .options(*LIGHT)
        )
    )


@dataclass(frozen=True)
class WaitingOn:
    """What waits on an order: genuine callbacks, the first to come first, and the messages of money that came in."""

    callbacks: tuple[Callback, ...]
    paid: tuple[Message, ...]

    def __bool__(self) -> bool:
        return bool(self.callbacks)


def waiting_on(order: Order, facts: OrderFacts) -> WaitingOn:
    """Money among it is with the gateway, whatever the order's own books say."""
    keys = Keys.of(order.id, facts)
    callbacks = db.session.scalars(
        select(Callback)
        .where(
            Callback.id.in_(select(KeptMessage.callback_id).where(ABOUT)),
            Callback.shop_id == order.shop_id,
            Callback.state == State.unprocessed,
            Callback.verdict.in_(CHECKED),
        )
        .order_by(Callback.received_at, Callback.id)
        .limit(CALLBACKS)
        .options(*LIGHT),
        by(keys),
    )
    return WaitingOn(tuple(callbacks), tuple(other_paid(order.shop_id, keys)))
