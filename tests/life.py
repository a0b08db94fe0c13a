"""A day in a shop's life, with secrets and card numbers that are known: everything the product does, errors too."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from redis import Redis as RedisClient
from sqlalchemy import update

from shopcallbacks import jobs
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Money, Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs.lane import LaneWorker
from shopcallbacks.outgoing.alerts.rules import AlertRules, Style
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role

from .factories import PASSWORD, log_in, make_account, make_shop, make_token, make_user, message, process, request_for
from .receiver import Receiver

# What nobody may see: it stands in nothing that is kept, told or logged. (More is made up on the day: `Life.made_up`.)
STRIPE, FORMER = "whsec_Zq7wPx-Stripe-Secret9k", "whsec_Former-Stripe-Secret3m"
WORLDPAY, IN_ADDRESS = "Wp-Password-77xQ", "T0ken-in-the-address-5g"  # both come with each call
AUTHORIZATION, COOKIE = "Basic-Credentials-8842", "gateway-session-cookie-19"
ENDPOINT_KEY, WEBHOOK_KEY = "endpoint-key-4471", "webhook-key-9920"
WRONG_PASSWORD, WRONG_TOKEN = "wr0ng-password-tried", "sc_wrong-token-tried"
SECRETS = (
    *(STRIPE, FORMER, WORLDPAY, IN_ADDRESS, AUTHORIZATION, COOKIE, ENDPOINT_KEY, WEBHOOK_KEY),
    *(PASSWORD, WRONG_PASSWORD, WRONG_TOKEN),
)
IN_REQUESTS = "5500005555555559"  # a card number that stands in what was received, and is understood as nothing
AS_AN_ID = "4111111111111111"  # one that stands where a gateway has its ids


@dataclass
class Life:
    shop: Shop
    stripe: GatewayAccount
    worldpay: GatewayAccount
    clients: dict[str, FlaskClient]
    made_up: dict[str, str]

    @property
    def callbacks(self) -> list[Callback]:
        return list(db.session.scalars(db.select(Callback).order_by(Callback.id)))


def live(app: Flask, redis: RedisClient, receiver: Receiver) -> Life:
    """All of it. What is sent goes to the receiver, what is mailed to whatever mail server the app has."""
    life = _set_up(app, receiver)
    _hand_in_orders(life)
    _call(life)
    _work(app, redis)
    _act(life)
    _work(app, redis)
    _act_on_many(life)
    _work(app, redis)
    _go_wrong(life)
    _work(app, redis)
    return life


def _set_up(app: Flask, receiver: Receiver) -> Life:
    shop = make_shop("toys")
    stripe = make_account(shop, "stripe", "stripe", signing_secrets=[FORMER])
    setting = next(one for one in stripe.gateway.settings if one.is_secret)
    stripe.add_secrets(setting, [STRIPE], utcnow())
    worldpay = make_account(shop, "worldpay", "worldpay", callback_passwords=[WORLDPAY], tokens=[IN_ADDRESS])
    api_token = make_token(shop, *Scope)
    host = receiver.url.rpartition("/")[0]
    endpoint = Endpoint.add(shop.id, f"{host}/endpoint?key={ENDPOINT_KEY}")
    made_up = {"the API's token": api_token, "an address's token": stripe.token, "another address's": worldpay.token}
    for purpose in Purpose:
        made_up[f"the signing secret of {purpose}"] = SigningSecret.make(shop.id, purpose)
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting, rules.handover_hour = "dana@shop.example", True, 0
    rules.webhook, rules.webhook_style = f"{host}/hook/{WEBHOOK_KEY}", Style.slack
    db.session.commit()
    assert endpoint.enabled
    clients = {
        role.value: log_in(app.test_client(), make_user(role, *([] if role is Role.owner else [shop]))) for role in Role
    }
    clients["nobody"] = app.test_client(use_cookies=False)  # so that what a gateway sends as one arrives
    clients["program"] = app.test_client()
    clients["program"].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {api_token}"
    return Life(shop, stripe, worldpay, clients, made_up)


def _hand_in_orders(life: Life) -> None:
    for number in ("251123-1", "251123-2"):
        order = {"number": number, "amount": "59.90", "currency": "EUR", "customer_email": "buyer@shop.example"}
        assert life.clients["program"].post("/api/orders", json=order).status_code == 201
    assert life.clients["program"].get("/api/events").status_code == 200


def _call(life: Life) -> None:
    stripe, sum_ = life.stripe, Money(5990, "EUR")
    for said in (
        message("251123-1", money=sum_, transaction_id=AS_AN_ID, event_id=f"evt_{AS_AN_ID}"),
        message("251123-2", money=Money(1, "EUR")),
        message(AS_AN_ID, money=sum_),
    ):
        request = request_for(stripe, said)
        _post(life, stripe, request, request.body.replace(b"{", b'{"card": "%s", ' % IN_REQUESTS.encode(), 1))
        _post(life, stripe, request, request.body)
    form = {"cartId": "251123-2", "callbackPW": WORLDPAY, "M_card": IN_REQUESTS}
    query = urlencode({"token": IN_ADDRESS, "card": IN_REQUESTS})
    body = urlencode({**form, "M_note": life.worldpay.token, "transStatus": "Y"}).encode()
    _post(life, life.worldpay, request_for(stripe, message("x")), body, query)
    _post(life, life.worldpay, request_for(stripe, message("x")), b"\x00" + body, query)


def _post(life: Life, account: GatewayAccount, request: Request, body: bytes, query: str = "") -> None:
    headers = [
        *((name, value) for name, value in request.headers if name.lower() != "content-length"),
        ("Authorization", f"Basic {AUTHORIZATION}"),
        ("Cookie", f"s={COOKIE}"),
        ("X-Card", IN_REQUESTS),
    ]
    address = account.callback_path + (f"?{query}" if query else "")
    assert life.clients["nobody"].post(address, data=body, headers=headers).status_code == 200


def _work(app: Flask, redis: RedisClient) -> None:
    """The workers' whole way, through Redis; and what they would only do later."""
    process()
    db.session.execute(update(Callback).where(Callback.due_at.is_not(None)).values(due_at=None, due_kind=None))
    db.session.commit()
    for lane in ("callbacks", "asking", "outgoing"):
        LaneWorker(lane, redis).work(burst=True, logging_level="INFO")
    jobs.sweep_outgoing()
    jobs.bulk()
    while jobs.index():
        pass
    db.session.expire_all()


def _act(life: Life) -> None:
    manager = life.clients["manager"]
    for id_ in [callback.id for callback in life.callbacks]:
        for verb, form in (
            ("notes", {"text": f"card {IN_REQUESTS}"}),
            ("claim", {}),
            ("removal", {"why": f"card {IN_REQUESTS}"}),
            ("restoration", {}),
            ("retry", {}),
        ):
            assert manager.post(f"/callbacks/{id_}/{verb}", data=form).status_code < 500
    manager.post("/views", data={"name": "mine", "filter": "tab=all"})
    manager.post("/views/1/removal")
    life.clients["admin"].post("/settings/alerts/test")
    life.clients["admin"].post(f"/settings/gateways/{life.stripe.id}", data={"title": "Our Stripe"})


def _act_on_many(life: Life) -> None:
    manager = life.clients["manager"]
    for verb, tab in (("retry", "unprocessed"), ("remove", "unprocessed")):
        sent = {"verb": verb, "all": "1", "tab": tab, "why": f"all of them, card {IN_REQUESTS}"}
        assert manager.post("/bulk", data=sent).status_code == 303
        process()


def _go_wrong(life: Life) -> None:
    nobody = life.clients["nobody"]
    nobody.post("/login", data={"email": "dana@shop.example", "password": WRONG_PASSWORD})
    nobody.get("/api/events", headers={"Authorization": f"Bearer {WRONG_TOKEN}"})
    nobody.post(f"/callbacks/toys/stripe/{life.stripe.token}x", data=IN_REQUESTS)
    life.clients["program"].post("/api/orders", json={"number": IN_REQUESTS, "amount": "x"})
    life.stripe.gateway.verify = _breaks  # type: ignore[method-assign]
    try:
        request = request_for(life.stripe, message("251123-1"))
        _post(life, life.stripe, request, request.body)
        process()
    finally:
        del life.stripe.gateway.verify  # the class has its own


def _breaks(request: Request, settings: dict[str, object]) -> None:
    """Says all it has in hand, as libraries do."""
    raise ValueError(f"{settings} does not fit {request}")
