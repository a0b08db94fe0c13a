"""A gateway for tests, whose callbacks say whatever a message can say; and a shell for stories over the database."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import NOTHING_MORE, Callback, More
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.domain.money import Ruling, Settings
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Message, Money, Request, Verification
from shopcallbacks.extensions import db
from shopcallbacks.gateways.base import Gateway
from shopcallbacks.jobs import drain
from shopcallbacks.jobs.sweeps import tick
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_shop, process


class Saying(Gateway):
    """Its body is the messages themselves."""

    name = "saying"
    title = "Saying"
    letters = "Sa"
    check = "none"
    tested = "none"
    settings = ()

    def verify(self, request: Request, settings: Mapping[str, Any]) -> Verification:
        return Verification.genuine()

    def interpret(
        self, request: Request, settings: Mapping[str, Any], evidence: Mapping[str, Any]
    ) -> tuple[Message, ...]:
        said: tuple[Message, ...] = pickle.loads(request.body)
        return said


def say(account: GatewayAccount, *messages: Message) -> int:
    """A callback that says it has come in; its id."""
    body = pickle.dumps(messages)
    request = Request("POST", "/", b"", (), body, "192.0.2.1", utcnow())
    return door().keeper.keep(request, account.id, account.shop_id, asks=False)


def saying_account(shop: Shop, slug: str = "saying") -> GatewayAccount:
    account = GatewayAccount.add(shop, "saying", slug, {})
    db.session.commit()
    return account


def told(account: GatewayAccount, *messages: Message) -> Callback:
    """What came of it once it was looked at."""
    id_ = say(account, *messages)
    process()
    return db.session.get_one(Callback, id_)


class DatabaseShell:
    """Plays stories with the code that production runs: rows, claims, the worker's drains, sweeps."""

    def __init__(self, settings: Settings) -> None:
        self.shop = make_shop()
        self.shop.refusal_cancels_after = settings.refusal_cancels_after
        self.shop.payment_reopens, self.shop.parts = settings.payment_reopens, settings.parts
        db.session.commit()
        self.shop_id = self.shop.id
        self.accounts: dict[str, GatewayAccount] = {}
        self.told: dict[str, int] = {}

    def hand_in(self, number: str, total: Money, expires_in: int | None) -> str:
        expires_at = utcnow() + timedelta(seconds=expires_in) if expires_in is not None else None
        shop = db.session.get_one(Shop, self.shop_id)
        try:
            moved = moves.hand_in(NewOrder(number, total, expires_at=expires_at), shop)
        except Refused:
            db.session.rollback()
            return "refused"
        db.session.commit()
        self._drain()
        return str(moved.answer)

    def tell(self, id_: str, account: str, message: Message) -> None:
        if account not in self.accounts:
            shop = db.session.get_one(Shop, self.shop_id)
            self.accounts[account] = saying_account(shop, account)
        self.told[id_] = say(self.accounts[account], message)
        self._drain()

    def rule(self, id_: str, ruling: Ruling) -> str | None:
        callback = Callback.lock(self.told[id_])
        if callback.state is not State.unprocessed:
            db.session.rollback()
            return "refused"
        more = More(ruling.minor, ruling.transaction) if ruling.minor or ruling.transaction else NOTHING_MORE
        try:
            callback.do(ruling.verb, None, "as the story says", more=more)
        except Refused:
            db.session.rollback()
            return None
        db.session.commit()
        self._drain()
        return None

    def settle(self, number: str) -> str:
        return self._person(moves.settle, number)

    def enough(self, number: str) -> str:
        return self._person(moves.enough, number)

    def cancel(self, number: str) -> str:
        try:
            moved = moves.cancel(self._order(number).id, "the shop")
        except Refused:
            db.session.rollback()
            return "refused"
        db.session.commit()
        self._drain()
        return str(moved.answer)

    def wait(self, seconds: int) -> None:
        """The clock goes on: what was to come is so much nearer, what was is so much longer ago."""
        db.session.execute(
            text(
                "UPDATE orders SET expires_at = expires_at - make_interval(secs => :s), "
                "held_since = held_since - make_interval(secs => :s) WHERE shop_id = :shop"
            ),
            {"s": seconds, "shop": self.shop_id},
        )
        db.session.commit()
        tick()
        self._drain()

    def fates(self) -> Mapping[str, str]:
        rows = db.session.execute(
            select(Callback.id, Callback.reason, Callback.effect).where(Callback.id.in_(self.told.values()))
        )
        by_id = {row.id: f"!{row.reason}" if row.reason and not row.effect else str(row.effect) for row in rows}
        db.session.rollback()
        return {name: by_id[id_] for name, id_ in self.told.items()}

    def orders(self) -> Mapping[str, Mapping[str, Any]]:
        found = db.session.scalars(select(Order).where(Order.shop_id == self.shop_id).order_by(Order.id)).all()
        seen = {order.number: _seen(order) for order in found}
        for order in found:
            assert _seen(order) == _seen_by(order.facts), "the figures are the sums of the ledger"
        db.session.rollback()
        return seen

    def events(self) -> Mapping[str, list[str]]:
        found = db.session.scalars(select(Order).where(Order.shop_id == self.shop_id).order_by(Order.id)).all()
        kinds = {order.number: [event.kind for event in order.events] for order in found}
        db.session.rollback()
        return kinds

    def _person(self, verb: Any, number: str) -> str:
        try:
            verb(self._order(number).id, None, "as the story says")
        except Refused:
            db.session.rollback()
            return "refused"
        db.session.commit()
        self._drain()
        return "done"

    def _order(self, number: str) -> Order:
        order = Order.find(self.shop_id, number)
        assert order is not None
        return order

    def _drain(self) -> None:
        while drain(False):
            pass
        db.session.expire_all()


def _seen(order: Order) -> dict[str, Any]:
    seen = {"state": str(order.state), "paid": order.taken_minor, "given_back": order.given_back_minor}
    return seen | {"owed": order.owed_minor} | ({"owed_other": order.owed_other} if order.owed_other else {})


def _seen_by(facts: Any) -> dict[str, Any]:
    currency = facts.total.currency
    other = {of: minor for of, minor in facts.owed.items() if of != currency}
    seen = {"state": str(facts.state), "paid": facts.taken, "given_back": facts.given_back}
    return seen | {"owed": facts.owed[currency]} | ({"owed_other": other} if other else {})
