"""Shops, orders, callbacks and users for tests: plain functions, each commits."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from dev.copies import copy
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.tokens import USUAL, ApiToken, Scope
from shopcallbacks.shops.users import Role, User

_numbers = itertools.count(1)
SECRET = "whsec_test"
PASSWORD = "correct horse"


def make_shop(slug: str | None = None) -> Shop:
    slug = slug or f"shop-{next(_numbers)}"
    shop = Shop.add(slug, slug.title())
    db.session.commit()
    return shop


def make_account(
    shop: Shop | None = None, gateway: str = "stripe", slug: str | None = None, mode: Mode = Mode.live, **settings: Any
) -> GatewayAccount:
    settings = settings or {"signing_secrets": [SECRET]}
    slug = slug or f"{gateway}-{next(_numbers)}".replace("_", "-")
    account = GatewayAccount.add(shop or make_shop(), gateway, slug, settings, mode)
    db.session.commit()
    return account


def make_order(shop: Shop, number: str | None = None, minor: int = 5990, currency: str = "EUR", **more: Any) -> Order:
    number = number or f"251123-{next(_numbers)}"
    moved = moves.hand_in(NewOrder(number, Money(minor, currency), **more), shop)
    db.session.commit()
    return db.session.get_one(Order, moved.order_id)


def made_at(order: Order, at: datetime) -> Order:
    """As if it had come in then: only the owner of the table, who switches its trigger off, can."""
    switch = "ALTER TABLE orders {} TRIGGER orders_stay_as_begun"
    db.session.execute(text(switch.format("DISABLE")))
    order.created_at = at
    db.session.flush()
    db.session.execute(text(switch.format("ENABLE")))
    db.session.commit()
    return order


def make_user(role: Role = Role.manager, *shops: Shop, email: str | None = None) -> User:
    email = email or f"{role}-{next(_numbers)}@shop.example"
    user = User.add(email, f"{role.title()} Person", role, PASSWORD, list(shops))
    db.session.commit()
    return user


def make_token(shop: Shop, *scopes: Scope, name: str | None = None) -> str:
    """An API token's text; it may do what it does for most shops unless told."""
    _, text_ = ApiToken.add(shop, name or f"program {next(_numbers)}", scopes or USUAL, None)
    db.session.commit()
    return text_


def message(order: Order | str | None = None, outcome: Outcome = Outcome.paid, **more: Any) -> Message:
    """What a gateway says; of an order its own sum unless told."""
    number = order.number if isinstance(order, Order) else order
    defaults: dict[str, Any] = {
        "transaction_id": f"pi_{next(_numbers)}",
        "event_id": f"evt_{next(_numbers)}",
        "money": order.total if isinstance(order, Order) else Money(5990, "EUR"),
        "test": False,
    }
    return Message(outcome, number, **{**defaults, **more})


def signed_json(secret: str, statuses: dict[str, str]) -> dict[str, Any]:
    """The settings of a `generic_hmac` account whose gateway signs JSON."""
    return {
        "secrets": [secret],
        "signature": {"name": "X-Signature"},
        "fields": {
            "order_number": "/order",
            "amount": "/sum",
            "currency": "/currency",
            "status": "/status",
            "transaction_id": "/payment",
            "event_id": "/id",
        },
        "statuses": statuses,
    }


def request_for(account: GatewayAccount, said: Message, at: datetime | None = None) -> Request:
    """A genuine request of the account's gateway that says it."""
    example = account.gateway.example(account.settings_at(utcnow())[0], said, at or utcnow())
    assert example is not None
    return example.request


def make_callback(account: GatewayAccount, said: Message | Request, at: datetime | None = None) -> Callback:
    """A received callback, nothing processed yet."""
    request = said if isinstance(said, Request) else request_for(account, said, at)
    id_ = door().keeper.keep(request, account.id, account.shop_id, account.asks, at=request.arrived_at)
    return db.session.get_one(Callback, id_)


def request_of(callback: Callback) -> Request:
    """As it came."""
    found = callback.request
    assert found is not None
    return found


def process() -> None:
    """Drains what is due in both lanes, in this process."""
    db.session.commit()
    for asks in (False, True):
        while drain(asks):
            pass
    db.session.expire_all()


def log_in(client: FlaskClient, user: User) -> FlaskClient:
    """The client, logged in as the user."""
    assert client.post("/login", data={"email": user.email, "password": PASSWORD}).status_code == 303
    return client


def long_history(account: GatewayAccount, count: int = 2_000, every_s: int = 1) -> None:
    """So many callbacks, one each second or so many, all of them processed like the first; and the planner knows."""
    callback = make_callback(account, message(make_order(account.shop)))
    process()
    copy(callback.id, count - 1, received_at=f"now() - make_interval(secs => n * {every_s})")
    db.session.execute(text("ANALYZE callbacks"))
    db.session.commit()
