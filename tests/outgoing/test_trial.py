"""Sending a test callback: a really signed one goes the whole way, or a sentence says why none can."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dev.services import free_port
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.health import last_genuine
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing.trial import NotSent, prepare, why_not
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ..factories import PASSWORD, log_in, make_account, make_shop, make_user, message, process
from ..processes import site, until
from ..views.settings.test_accounts import CONFIG

# What an account with these settings says, live and in test mode: None where a test can be sent.
ITSELF, NO_FLAG, LIVE_SYSTEM = "itself can call", "don't say whether they are a test", "live system"
READY: dict[str, tuple[str | None, str | None]] = {
    "adyen": (LIVE_SYSTEM, LIVE_SYSTEM),
    "authorizenet": (LIVE_SYSTEM, LIVE_SYSTEM),
    "authorizenet_sim": (None, None),
    "braintree": (NO_FLAG, None),
    "checkoutcom": (NO_FLAG, None),
    "coinbase_commerce": (NO_FLAG, None),
    "cybersource": (NO_FLAG, None),
    "generic_hmac": (None, None),
    "gocardless": (NO_FLAG, None),
    "klarna": (ITSELF, ITSELF),
    "liqpay": (None, None),
    "mollie": (ITSELF, ITSELF),
    "paddle": (NO_FLAG, None),
    "paypal": (ITSELF, ITSELF),
    "paypal_ipn": (ITSELF, ITSELF),
    "paysera": (None, None),
    "paystack": (None, None),
    "paytr": (None, None),
    "payu": (NO_FLAG, None),
    "postfinance": (NO_FLAG, None),
    "przelewy24": (ITSELF, ITSELF),
    "razorpay": (NO_FLAG, None),
    "redsys": (NO_FLAG, None),
    "square": (LIVE_SYSTEM, LIVE_SYSTEM),
    "standardwebhooks": (None, None),
    "stripe": (None, None),
    "worldpay": (None, None),
}
CASES = [(name, mode, said) for name, row in READY.items() for mode, said in zip(Mode, row, strict=True)]


def config(name: str, mode: Mode) -> dict[str, Any]:
    """The settings of an account in that mode: keys that tell theirs are made to fit."""
    settings = dict(CONFIG[name])
    for setting in GATEWAYS[name].settings:
        if mode is Mode.test and setting.live_keys and setting.key in settings:
            settings[setting.key] = json.loads(
                json.dumps(settings[setting.key]).replace(f'"{setting.live_keys[0]}', f'"{setting.test_keys[0]}')
            )
    return settings


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    return shop


def test_of_each_gateway_it_is_said_whether_a_test_can_be_sent() -> None:
    assert set(READY) == set(GATEWAYS)


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, mode, why in CASES if why is None])
def test_what_is_sent_is_genuine_and_opens_its_order(app: Flask, name: str, mode: Mode) -> None:
    """The rehearsal is the code that will process it."""
    account = make_account(None, name, mode=mode, **config(name, mode))
    assert why_not(account, utcnow()) is None
    prepared = prepare(account, utcnow())
    assert prepared.order.test
    assert prepared.order.number.startswith("TEST-")
    assert prepared.example.answers == ()


@pytest.mark.parametrize(("name", "mode", "said"), [case for case in CASES if case[2] is not None])
def test_a_gateway_that_can_not_be_tested_says_why_not(app: Flask, name: str, mode: Mode, said: str) -> None:
    account = make_account(None, name, mode=mode, **config(name, mode))
    reason = why_not(account, utcnow())
    assert reason is not None
    assert said in reason


@pytest.mark.parametrize("name", [name for name, (live, _) in READY.items() if live is ITSELF])
def test_only_itself_can_call_where_it_is_asked_or_nobody_else_can_sign(app: Flask, name: str) -> None:
    account = make_account(None, name, **CONFIG[name])
    said = message("TEST-1", money=Money(100, "EUR"), test=True)
    assert account.asks or account.gateway.example(account.settings_at(utcnow())[0], said, utcnow()) is None


@pytest.mark.parametrize(
    ("gateway", "settings", "mode", "said"),
    [
        ("mollie", {"api_keys": ["test_x"]}, Mode.test, "Only Mollie itself can call"),
        ("cybersource", {"profile_id": "p", "secret_keys": ["k"]}, Mode.live, NO_FLAG),
        ("adyen", {"hmac_keys": ["ab" * 32], "merchant_accounts": ["M"]}, Mode.test, LIVE_SYSTEM),
    ],
)
def test_a_page_without_a_button_says_what_to_do_instead(
    client: FlaskClient, shop: Shop, gateway: str, settings: dict[str, Any], mode: Mode, said: str
) -> None:
    account = make_account(shop, gateway, mode=mode, **settings)
    page = client.get(f"/settings/gateways/{account.id}").text
    assert said.replace("'", "&#39;") in page
    assert 'id="send-test"' not in page
    client.post(f"/settings/gateways/{account.id}/tests")
    assert db.session.scalar(select(func.count(Order.id))) == 0


def test_one_that_is_off_or_has_no_secret_left_is_not_tested(shop: Shop) -> None:
    account = make_account(shop)
    account.secrets[0].end(utcnow())
    with pytest.raises(NotSent, match="Signing secrets: none is in use"):
        prepare(account, utcnow())
    account.disable()
    with pytest.raises(NotSent, match="switched off"):
        prepare(account, utcnow())


@contextmanager
def answering(app: Flask, status: int, forward: bytes | None = None) -> Iterator[None]:
    """Something else than us at PUBLIC_URL; or a proxy that adds to the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if forward is not None:
                passed = [(k, v) for k, v in self.headers.items() if k.lower() != "content-length"]
                app.test_client().post(self.path, data=body + forward, headers=passed)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    was, app.config["PUBLIC_URL"] = app.config["PUBLIC_URL"], f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        app.config["PUBLIC_URL"] = was
        server.shutdown()
        thread.join()
        server.server_close()


def send(client: FlaskClient, account: GatewayAccount) -> str:
    return client.post(f"/settings/gateways/{account.id}/tests", headers={"HX-Request": "true"}).text


def test_an_address_that_can_not_be_reached_is_said(
    app: Flask, client: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(shop)
    monkeypatch.setitem(app.config, "PUBLIC_URL", f"http://127.0.0.1:{free_port()}")
    said = "could not be reached from here: check PUBLIC_URL and the proxy."
    assert said in send(client, account)
    page = client.get(f"/settings/gateways/{account.id}").text
    assert said not in page
    assert said in "".join(act.what for act in db.session.scalars(select(Activity)))


@pytest.mark.parametrize(("status", "said"), [(404, "answered 404"), (301, "answered 301"), (200, "nothing arrived")])
def test_an_address_that_leads_elsewhere_is_said(
    app: Flask, client: FlaskClient, shop: Shop, status: int, said: str
) -> None:
    account = make_account(shop)
    with answering(app, status):
        assert said in send(client, account)


def test_a_proxy_that_changes_the_body_is_found_out(app: Flask, client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    with answering(app, 200, forward=b"\n"):
        assert "waits for the worker" in send(client, account)
    process()
    callback = db.session.scalars(select(Callback)).one()
    assert callback.reason is Reason.not_genuine
    page = client.get(f"/settings/gateways/{account.id}/tests/{callback.id}").text
    assert "something between the gateway and us changes the body" in page


def test_a_test_goes_the_whole_way(app: Flask, environ: dict[str, str], tmp_path: Path) -> None:
    """Real processes, by HTTP, without script: sent, verified, its order opened, and no proof of the gateway's."""
    account, user = make_account(), make_user(Role.owner)
    path = f"/settings/gateways/{account.id}"
    with site(environ, tmp_path) as running, requests.Session() as session:

        def post(address: str, page: str, **form: str) -> requests.Response:
            token = re.search(r'name="csrf_token" value="([^"]+)"', session.get(running.url + page).text)
            assert token
            return session.post(running.url + address, {"csrf_token": token[1], **form}, timeout=30)

        post("/login", "/login", email=user.email, password=PASSWORD)
        page = post(f"{path}/tests", path)
        assert re.search(r"answered 200 in \d", page.text)
        address = page.url
        until(lambda: "order opened" in session.get(address).text)
        page = session.get(address)
        fragment = session.get(address, headers={"HX-Request": "true"})
    assert "genuine</strong>, with the secret of" in page.text
    assert "every 1s" not in page.text
    assert fragment.headers["HX-Trigger"] == '{"say": "The test callback: Processed: order opened."}'
    db.session.expire_all()
    order, callback = db.session.scalars(select(Order)).one(), db.session.scalars(select(Callback)).one()
    assert (order.state, order.test, callback.test, callback.state) == (OrderState.open, True, True, State.processed)
    act = db.session.scalars(select(Activity).where(Activity.verb == "test")).one()
    assert (act.callback_id, act.order_id, act.user_id) == (callback.id, order.id, user.id)
    assert last_genuine(account) is None
