"""Settings: one request pasted into the form is read line by line, and nothing is kept of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_shop, make_user
from ..pages import form_on

SECRET = "s3cr3t-s3cr3t"
HMAC = {
    "secrets": [SECRET],
    "signature": {"name": "X-Signature"},
    "fields": {
        "order_number": "/order",
        "amount": "/sum",
        "currency": "literal:EUR",
        "status": "/type",
        "event_id": "/id",
        "test": "/test",
    },
    "statuses": {"payment.succeeded": "paid"},
}
BODY = '{"id": "evt_1", "order": "251123-26", "sum": 1230, "type": "payment.succeeded", "test": true}'
HTMX = {"HX-Request": "true"}


def sign(body: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.admin, shop))
    return shop


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    return make_account(shop, "generic_hmac", **HMAC)


def read(client: FlaskClient, account: GatewayAccount, request: str, **changed: list[str]) -> dict[str, str]:
    """Each line's words by its label, as the form tells them."""
    address = f"/settings/gateways/{account.id}"
    form = form_on(client.get(address).text, address) | {"request": [request], "try": ["1"]} | changed
    response = client.post(address, data=form, headers=HTMX)
    assert response.status_code == 200
    assert SECRET not in response.text
    return lines_of(response.text)


def lines_of(page: str) -> dict[str, str]:
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)
    return {text(label): text(words) for label, words in pairs}


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_a_request_that_fits_is_read_line_by_line(client: FlaskClient, account: GatewayAccount) -> None:
    lines = read(client, account, f"POST /hook?a=1 HTTP/1.1\r\nX-Signature: {sign(BODY)}\r\n\r\n{BODY}")
    assert lines["Request"] == f"POST /hook, headers: X-Signature; a body of {len(BODY)} bytes"
    assert lines["Signature"].startswith("It fits. What was signed, ")
    assert lines["Order number"] == "251123-26"
    assert lines["Sum"] == "12.30 EUR"
    assert lines["Outcome"] == "payment.succeeded means paid"
    assert (lines["Event"], lines["Live or test"]) == ("evt_1", "test")
    assert lines["Transaction"] == "No setting says where it stands."


def test_nothing_is_changed_or_kept_of_it(client: FlaskClient, account: GatewayAccount) -> None:
    before = dict(account.settings)
    acts = db.session.scalar(select(func.count()).select_from(Activity))
    changed = {"set.signature.name": ["X-Sign"], "title": ["Other"]}
    lines = read(client, account, f"X-Sign: {sign(BODY)}\n\n{BODY}", **changed)
    assert lines["Signature"].startswith("It fits.")
    db.session.refresh(account)
    assert (account.settings, account.title) == (before, "Generic HMAC")
    assert db.session.scalar(select(func.count()).select_from(Callback)) == 0
    assert db.session.scalar(select(func.count()).select_from(Activity)) == acts


def test_a_signature_that_does_not_fit_says_what_was_signed_and_where_it_differs(
    client: FlaskClient, account: GatewayAccount
) -> None:
    right = sign(BODY)
    wrong = right[:4] + ("0" if right[4] != "0" else "1") + right[5:]
    words = read(client, account, f"X-Signature: {wrong}\n\n{BODY}")["Signature , wrong"]
    assert words.startswith("No signature fits a live secret. What was signed, ")
    assert BODY in words
    assert f"Given {wrong} Computed {right}" in words
    assert f"First difference character 5: '{wrong[4]}' is given, '{right[4]}' computed" in words


def test_another_encoding_that_would_fit_is_named(client: FlaskClient, account: GatewayAccount) -> None:
    signature = base64.b64encode(bytes.fromhex(sign(BODY))).decode()
    words = read(client, account, f"X-Signature: {signature}\n\n{BODY}")["Signature , wrong"]
    assert "44 characters are given, 64 computed" in words
    assert words.endswith("It would fit with Encoding: base64")


def test_a_signature_that_is_missing_is_named(client: FlaskClient, account: GatewayAccount) -> None:
    words = read(client, account, f"Content-Type: application/json\n\n{BODY}")["Signature , wrong"]
    assert words == "The signature X-Signature is missing or came twice."


def test_what_stands_nowhere_is_named_with_its_place(client: FlaskClient, account: GatewayAccount) -> None:
    body = '{"number": "251123-26", "sum": "much", "type": "odd"}'
    lines = read(client, account, f"X-Signature: {sign(body)}\n\n{body}")
    assert lines["Order number , wrong"] == "Nothing that can be read stands at /order."
    assert lines["Sum , wrong"] == "It can't be read. Amount 'much' at /sum Currency 'EUR' at literal:EUR"
    assert lines["Outcome , wrong"].startswith("odd means unclear. ")
    unreadable = read(client, account, f"X-Signature: {sign('{')}\n\n{{")
    assert "Body , wrong" in unreadable


def test_line_ends_that_pasting_changed_are_put_back(client: FlaskClient, account: GatewayAccount) -> None:
    for body in (BODY + "\n", BODY.replace(", ", ",\r\n"), BODY.replace(", ", ",\n")):
        lines = read(client, account, f"X-Signature: {sign(body)}\n\n{body}")
        assert lines["Signature"].startswith("It fits."), repr(body)


def test_what_curl_shows_is_a_request(client: FlaskClient, account: GatewayAccount) -> None:
    shown = f"* Connected\n> POST /hook HTTP/2\n> Host: x.example\n> X-Signature: {sign(BODY)}\n>\n{BODY}\n"
    lines = read(client, account, shown)
    assert lines["Request"].startswith("POST /hook, headers: Host, X-Signature;")
    assert lines["Signature"].startswith("It fits.")


def test_an_old_copy_fits_and_says_how_old_it_is(client: FlaskClient, account: GatewayAccount) -> None:
    at = int(time.time()) - 86_400
    changed = {"set.signature.template": ["{timestamp}.{body}"], "set.timestamp.header": ["X-Time"]}
    lines = read(client, account, f"X-Time: {at}\nX-Signature: {sign(f'{at}.{BODY}')}\n\n{BODY}", **changed)
    assert lines["Signature"].startswith("It fits.")
    assert "Right for a copy of an earlier request" in lines["Time"]


def test_standard_webhooks_are_read_too(client: FlaskClient, shop: Shop) -> None:
    key = base64.b64encode(b"k" * 24).decode()
    settings = {key: value for key, value in HMAC.items() if key not in ("secrets", "signature")}
    account = make_account(shop, "standardwebhooks", secrets=[f"whsec_{key}"], **settings)
    at = int(time.time())
    digest = hmac.new(b"k" * 24, f"m1.{at}.{BODY}".encode(), hashlib.sha256).digest()
    head = f"webhook-id: m1\nwebhook-timestamp: {at}\nwebhook-signature: v1,"
    lines = read(client, account, f"{head}{base64.b64encode(digest).decode()}\n\n{BODY}")
    assert lines["Signature"].startswith("It fits.")
    wrong = read(client, account, f"{head}AAAA\n\n{BODY}")["Signature , wrong"]
    assert "Given v1,AAAA Computed v1," in wrong
    assert key not in wrong


@pytest.mark.parametrize(
    ("request_", "said"),
    [("", "There is no header in it."), ("POST / HTTP/1.1\n\nx", "There is no header"), ("what\n\n", "is no header:")],
)
def test_what_is_no_request_is_said(client: FlaskClient, account: GatewayAccount, request_: str, said: str) -> None:
    address = f"/settings/gateways/{account.id}"
    form = form_on(client.get(address).text, address) | {"request": [request_], "try": ["1"]}
    assert said in client.post(address, data=form, headers=HTMX).text


def test_settings_that_are_not_right_are_said_first(client: FlaskClient, account: GatewayAccount) -> None:
    address = f"/settings/gateways/{account.id}"
    form = form_on(client.get(address).text, address)
    form |= {"request": ["X-Signature: a\n\nb"], "try": ["1"], "set.fields.amount": ["sum"]}
    page = client.post(address, data=form, headers=HTMX).text
    assert "Amount: this must begin with /" in page


def test_it_works_on_a_page_of_its_own_and_before_an_account_is_added(client: FlaskClient, shop: Shop) -> None:
    address = "/settings/gateways/new/generic_hmac"
    form = form_on(client.get(address).text, address) | {
        "set.secrets": [SECRET],
        "set.signature.name": ["X-Signature"],
        "set.fields.order_number": ["/order"],
        "set.fields.amount": ["/sum"],
        "set.fields.currency": ["literal:EUR"],
        "set.statuses.word": ["ok"],
        "set.statuses.ours": ["paid"],
        "request": [f"X-Signature: {sign(BODY)}\n\n{BODY}"],
    }
    page = client.post(address, data=form | {"try": ["1"]})
    assert page.status_code == 200
    assert lines_of(page.text)["Order number"] == "251123-26"
    assert SECRET not in page.text
    assert form_on(page.text, address)["request"][0].replace("\r\n", "\n") == form["request"][0]
    assert db.session.scalar(select(func.count()).select_from(GatewayAccount)) == 0


def test_a_preset_fills_the_form_and_saves_nothing(client: FlaskClient, account: GatewayAccount) -> None:
    address = f"/settings/gateways/{account.id}"
    page = client.get(f"{address}?preset=stripe").text
    form = form_on(page, address)
    assert "Nothing is saved yet." in page
    assert form["set.signature.name"] == ["Stripe-Signature"]
    assert form["set.signature.template"] == ["{timestamp}.{body}"]
    assert form["set.signature.list.timestamp_key"] == ["t"]
    assert form["set.fields.order_number"] == ["/order"]
    db.session.refresh(account)
    assert account.settings["signature"] == {"name": "X-Signature"}
    new = client.get("/settings/gateways/new/generic_hmac?preset=github").text
    filled = form_on(new, "/settings/gateways/new/generic_hmac")
    assert (filled["set.signature.name"], filled["set.signature.prefix"]) == (["X-Hub-Signature-256"], ["sha256="])


def test_other_gateways_have_no_box_for_a_request(client: FlaskClient, shop: Shop) -> None:
    assert 'name="request"' not in client.get("/settings/gateways/new/stripe").text
