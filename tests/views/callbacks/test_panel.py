"""The panel, the callback's page, and what a manager does there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money, Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.panel.callback.comparison import Line, compare
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ...factories import (
    SECRET,
    log_in,
    make_account,
    make_callback,
    make_order,
    make_user,
    message,
    process,
    request_for,
)

HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose manager is logged in."""
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.manager, account.shop))
    return account


def forged(account: GatewayAccount, **more: object) -> Callback:
    """Of an order of 59.90 EUR, with a signature that does not fit."""
    request = request_for(account, message(make_order(account.shop), **more))
    headers = tuple((name, value.replace("v1=", "v1=0")) for name, value in request.headers)
    callback = make_callback(account, Request(**{**request.__dict__, "headers": headers}))
    process()
    return callback


def wrong_amount(account: GatewayAccount) -> Callback:
    callback = make_callback(account, message(make_order(account.shop), money=Money(599, "EUR")))
    process()
    return callback


# looking


def test_the_panel_shows_why_and_what_to_do(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    html = client.get("/callbacks").text
    assert "Amount differs from the order" in html
    assert "order 59.90 EUR, callback 5.99 EUR" in html
    assert [word in html for word in ("Accept…", "Take as a part…", "Needs refund…", "Dealt with…")] == [True] * 4
    assert "Force…" not in html


def test_htmx_gets_the_panel_alone_and_history_the_page(client: FlaskClient, account: GatewayAccount) -> None:
    fragment = client.get("/callbacks?tab=all", headers=HTMX)
    assert fragment.text.lstrip().startswith('<div id="panel">')
    assert "HX-Request" in fragment.headers["Vary"]
    assert "<html" in client.get("/callbacks", headers={**HTMX, "HX-History-Restore-Request": "true"}).text


@pytest.mark.parametrize(
    "query", ["tab=x&reason=y&per=z", "after=x", "before=~~", "sort=-amount&after=1~1", "q=%01%ff"]
)
def test_a_bad_address_is_no_error(client: FlaskClient, account: GatewayAccount, query: str) -> None:
    wrong_amount(account)
    assert client.get(f"/callbacks?{query}").status_code == 200
    assert client.get(f"/callbacks.csv?{query}").status_code == 200
    assert client.get(f"/callbacks/news?{query}&since=never").status_code == 200


def test_new_rows_are_announced(client: FlaskClient, account: GatewayAccount) -> None:
    then = utcnow()
    wrong_amount(account)
    query = {"since": then.isoformat()}
    assert "1 new: show" in client.get("/callbacks/news", query_string=query).text
    query = {"since": (utcnow() + timedelta(1)).isoformat()}
    assert "new: show" not in client.get("/callbacks/news", query_string=query).text


def test_an_empty_panel_says_why(client: FlaskClient, account: GatewayAccount) -> None:
    assert "Nothing waits for you" in client.get("/callbacks").text
    assert "Drop the filter" in client.get("/callbacks?reason=unclear").text


def test_the_page_tells_callback_and_order_apart(client: FlaskClient, account: GatewayAccount) -> None:
    html = client.get(f"/callbacks/{wrong_amount(account).id}").text
    assert "Stripe says" in html
    assert "5.99 EUR" in html
    assert "✗ differs" in html
    assert "Order <strong>temporary → open</strong>, 5.99 EUR booked." in html  # accepted
    assert "Order <strong>temporary → awaiting payment</strong>, 5.99 EUR booked." in html  # taken as a part
    assert "Order came in" in html


def amount_of(callback: Callback) -> Line:
    return next(line for line in compare(callback) if line.label == "Amount")


def test_another_currency_is_another_sum(account: GatewayAccount) -> None:
    callback = make_callback(account, message(make_order(account.shop), money=Money(5990, "JPY")))
    process()
    assert amount_of(callback) == Line("Amount", "5,990 JPY", "59.90 EUR", False)


@pytest.mark.parametrize(
    "outcome",
    [Outcome.refunded, Outcome.refund_failed, Outcome.disputed, Outcome.charged_back, Outcome.chargeback_reversed],
)
def test_what_is_told_after_the_payment_stands_beside_what_was_paid(account: GatewayAccount, outcome: Outcome) -> None:
    callback = make_callback(account, message(make_order(account.shop)))
    process()
    callback.outcome, callback.amount_minor = outcome, 1000
    db.session.commit()
    assert amount_of(callback) == Line("Amount", "10.00 EUR", "59.90 EUR paid of 59.90 EUR")


def test_a_page_of_any_callback_can_be_drawn(client: FlaskClient, account: GatewayAccount) -> None:
    for body in (b"", b"\x00\xff", b"{", b"a=b", b"<a", "ü".encode("latin-1")):
        request = Request("POST", account.callback_path, b"x=%ff", (("X", "\xff"),), body, "::1", utcnow())
        id_ = make_callback(account, request).id
        assert client.get(f"/callbacks/{id_}").status_code == 200
        process()
        for part in ("body", "headers", "address", "bytes", "nonsense"):
            assert client.get(f"/callbacks/{id_}?part={part}").status_code == 200


def test_secrets_tokens_and_card_numbers_are_not_shown(client: FlaskClient, account: GatewayAccount) -> None:
    headers = (("Authorization", "Basic c2VjcmV0"), ("X-Key", SECRET), ("X-Card", "4111 1111 1111 1111"))
    body = f'{{"key": "{SECRET}", "card": 4111111111111111}}'.encode()
    request = Request("POST", account.callback_path, b"", headers, body, "::1", utcnow())
    id_ = make_callback(account, request).id
    process()
    for part in ("body", "headers", "address", "bytes"):
        html = client.get(f"/callbacks/{id_}?part={part}").text
        for secret in (account.token, SECRET, "c2VjcmV0", "4111111111111111", "4111 1111 1111 1111", "whsec_te"):
            assert secret not in html


def test_the_original_is_downloaded_byte_for_byte(client: FlaskClient, account: GatewayAccount) -> None:
    body = bytes(range(256))
    request = Request("POST", account.callback_path, b"a=1", (("X-A", "b"),), body, "::1", utcnow())
    id_ = make_callback(account, request).id
    response = client.get(f"/callbacks/{id_}/original")
    assert (response.data, response.content_type) == (body, "application/octet-stream")
    assert response.headers["Content-Disposition"] == f'attachment; filename="callback-{id_}.bin"'
    whole = client.get(f"/callbacks/{id_}/original?whole=1").data
    assert whole.startswith(b"POST /callbacks/")
    assert whole.endswith(b"?a=1 HTTP/1.1\r\nX-A: b\r\n\r\n" + body)
    assert account.token.encode() not in whole


def test_what_broke_is_for_admins(
    client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = make_callback(account, message())
    monkeypatch.setattr(type(account.gateway), "verify", lambda *_: 1 / 0)
    process()
    assert "ZeroDivisionError" not in client.get(f"/callbacks/{callback.id}").text
    client.post("/logout")
    log_in(client, make_user(Role.owner))
    assert "ZeroDivisionError" in client.get(f"/callbacks/{callback.id}").text


# acting


# who may

PAGES = ("", "/row", "/original", "/forced-retry", "/removal")
ACTS = ("/retry", "/forced-retry", "/removal", "/restoration")


def test_a_log_in_is_needed(client: FlaskClient) -> None:
    callback = make_callback(make_account(), message())
    for path in (
        "/callbacks",
        "/callbacks.csv",
        "/callbacks/news",
        *(f"/callbacks/{callback.id}{end}" for end in PAGES),
    ):
        assert client.get(path).location.startswith("/login")
    for end in ACTS:
        assert client.post(f"/callbacks/{callback.id}{end}").location.startswith("/login")


def test_another_shops_callback_is_not_there(client: FlaskClient, account: GatewayAccount) -> None:
    other = wrong_amount(make_account())
    assert all(client.get(f"/callbacks/{other.id}{end}").status_code == 404 for end in PAGES)
    acts = [client.post(f"/callbacks/{other.id}{end}", data={"why": "x"}).status_code for end in ACTS]
    assert acts == [404] * len(ACTS)
    number = other.order_number or ""
    found = client.get(f"/callbacks?tab=all&q={number}").text  # the page holds what was looked for, and no row
    assert ('id="callback-' in found, f"/callbacks/{other.id}" in found) == (False, False)
    assert number not in client.get("/callbacks.csv?tab=all").text


def test_a_viewer_only_looks(client: FlaskClient) -> None:
    account = make_account()
    callback = forged(account)
    log_in(client, make_user(Role.viewer, account.shop))
    assert 'hx-post="/callbacks/' not in client.get("/callbacks").text
    assert client.get(f"/callbacks/{callback.id}").status_code == 200
    assert "hx-post" not in client.get(f"/callbacks/{callback.id}").text
    acts = [client.post(f"/callbacks/{callback.id}{end}", data={"why": "x"}).status_code for end in ACTS]
    assert acts == [403] * len(ACTS)
    assert client.get(f"/callbacks/{callback.id}/original").status_code == 403
    assert (callback.state, callback.due_at) == (State.unprocessed, None)
