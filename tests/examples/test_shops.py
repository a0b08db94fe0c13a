"""The example shops for real: each a process that talks HTTP with a web server and a worker of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from flask import Flask
from redis import Redis as RedisClient
from requests.structures import CaseInsensitiveDict
from sqlalchemy import select

from dev.services import Postgres, free_port
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Effect, OrderState
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret, signed
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..conftest import empty
from ..factories import make_account, make_shop, make_token, request_for, signed_json
from ..processes import Site, site, until
from ..receiver import Receiver, http_receiver
from .running import EXAMPLES, Example, Running, running

PAID = Money(5990, "EUR")
OUTCOMES = (Outcome.paid, Outcome.refunded, Outcome.charged_back, Outcome.chargeback_reversed)
HMAC = signed_json("a secret of the gateway's", {outcome.value: outcome.value for outcome in OUTCOMES})


@pytest.fixture(scope="module")
def ours(
    bare_app: Flask,
    environ: dict[str, str],
    postgres_server: Postgres,
    redis_client: RedisClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Web server and worker, for all examples: each is a shop of its own."""
    empty(bare_app, postgres_server, redis_client)
    local = {"OUTGOING_ALLOW_HTTP": "1", "OUTGOING_ALLOW_PRIVATE": "1"}
    with bare_app.app_context(), site(environ, tmp_path_factory.mktemp("ours"), **local) as found:
        yield found
        db.session.rollback()


@dataclass(frozen=True)
class Scene:
    """The example, its shop with us, the gateway's account there, and the gateway as the example calls it."""

    example: Running
    ours: Site
    shop: Shop
    account: GatewayAccount
    gateway: Receiver
    secret: str

    def call_back(self, outcome: Outcome, number: str, money: Money = PAID) -> None:
        """The gateway calls us."""
        said = Message(outcome, number, f"tx-{number}", f"{outcome} {money} {number}", money, False)
        call = request_for(self.account, said)
        url = self.ours.url + self.account.callback_path
        assert requests.post(url, call.body, headers=dict(call.headers), timeout=30).status_code == 200

    def state(self, number: str) -> OrderState | None:
        db.session.rollback()
        order = Order.find(self.shop.id, number)
        return order.state if order else None

    def is_told(self, number: str, kind: Effect) -> bool:
        db.session.rollback()
        told = select(OrderEvent).where(OrderEvent.shop_id == self.shop.id, OrderEvent.number == number)
        return db.session.scalars(told.where(OrderEvent.kind == kind)).first() is not None


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.folder)
def scene(request: pytest.FixtureRequest, ours: Site, tmp_path: Path) -> Iterator[Scene]:
    example: Example = request.param
    if example.lacks:
        pytest.skip(f"there is no {example.lacks} on this machine")
    shop, port = make_shop(), free_port()
    account = make_account(shop, "generic_hmac", **HMAC)
    Endpoint.add(shop.id, f"http://127.0.0.1:{port}/order-changes")
    secret = SigningSecret.make(shop.id, Purpose.endpoint)
    token = make_token(shop)
    db.session.commit()
    with http_receiver() as gateway:
        settings = {
            "SHOPCALLBACKS_URL": ours.url,
            "SHOPCALLBACKS_TOKEN": token,
            "SHOPCALLBACKS_SECRETS": secret,
            "GATEWAY_URL": gateway.url.removesuffix("/orders"),
        }
        with running(example, port, settings, tmp_path) as found:
            yield Scene(found, ours, shop, account, gateway, secret)


def test_a_shop_is_paid_and_refunded_and_gives_up_what_is_not_paid(scene: Scene) -> None:
    example = scene.example
    number, address = example.check_out("kite")
    assert address.startswith(scene.gateway.url.removesuffix("/orders") + "/pay?")
    assert "amount=59.90&" in address
    assert scene.state(number) is OrderState.temporary, "it is handed in before the customer is sent on"

    scene.call_back(Outcome.paid, number)
    until(lambda: example.order(number) == {"state": "open", "parcels": 1})

    again, body = _opened(scene, number)
    assert example.hear(again, body) == 204, "told twice"
    assert example.hear(again, body.replace(number.encode(), b"another")) == 400, "not signed by us"
    example.follow()
    assert example.order(number) == {"state": "open", "parcels": 1}, "sent out once"

    assert example.do("cancel", number) == 409, "it is paid"
    assert example.do("refund", number) == 202
    (asked,) = scene.gateway.received
    assert json.loads(asked.body) == {"order": number, "amount": "59.90"}
    scene.call_back(Outcome.refunded, number)
    until(lambda: example.order(number) == {"state": "refunded", "parcels": 1})
    assert example.do("refund", number) == 409, "it is refunded"
    assert scene.gateway.received == [asked]

    _hang_up(scene)
    given_up, _ = example.check_out("kite")
    assert example.do("refund", given_up) == 409, "it is not paid"
    assert example.do("cancel", given_up) == 200
    assert scene.state(given_up) is OrderState.cancelled
    missed, _ = example.check_out("kite")
    scene.call_back(Outcome.paid, missed)
    until(lambda: scene.state(missed) is OrderState.open)
    example.follow()  # no webhook comes any more, the feed has it
    until(lambda: example.order(missed) == {"state": "open", "parcels": 1})
    assert example.order(given_up) == {"state": "cancelled", "parcels": 0}


def test_a_refund_is_of_what_the_order_kept_and_asked_for_twice_is_one(scene: Scene) -> None:
    example, gateway = scene.example, scene.gateway
    number, _ = example.check_out("kite")
    example.call_half()
    scene.call_back(Outcome.paid, number)
    until(lambda: scene.is_told(number, Effect.opened))
    scene.call_back(Outcome.refunded, number, Money(900, "EUR"))
    until(lambda: scene.is_told(number, Effect.partly_refunded))
    gateway.answer = lambda _: 503
    assert example.do("refund", number) >= 500, "whether it was done is not known"
    gateway.answer = lambda _: 204
    assert example.do("refund", number) == 202
    assert [json.loads(asked.body) for asked in gateway.received] == [{"order": number, "amount": "50.90"}] * 2
    keys = {CaseInsensitiveDict(asked.headers).get("Idempotency-Key") for asked in gateway.received}
    assert keys == {f"refund-{number}"}


def test_a_dispute_that_is_won_sends_nothing_out_again(scene: Scene) -> None:
    example = scene.example
    number, _ = example.check_out("kite")
    for outcome, state in (
        (Outcome.paid, OrderState.open),
        (Outcome.charged_back, OrderState.refunded),
        (Outcome.chargeback_reversed, OrderState.open),
    ):
        scene.call_back(outcome, number)
        _until_it_is(example, number, state)


def _opened(scene: Scene, number: str) -> tuple[dict[str, str], bytes]:
    """The webhook that told of it, once more."""
    told = select(OrderEvent).where(OrderEvent.shop_id == scene.shop.id, OrderEvent.number == number)
    event = db.session.scalars(told.where(OrderEvent.to_state == OrderState.open)).one()
    body = json.dumps(event.shape.as_json).encode()
    return signed(f"evt_{event.id}", utcnow(), body, [scene.secret]), body


def _hang_up(scene: Scene) -> None:
    endpoint = Endpoint.of(scene.shop.id)
    assert endpoint is not None
    endpoint.disable()
    db.session.commit()


def _until_it_is(example: Running, number: str, state: OrderState) -> None:
    """The shop knows; and whatever became of the order, one parcel was sent."""
    until(lambda: example.order(number)["state"] == state)
    assert example.order(number)["parcels"] == 1
