"""The panel, the callback's page, and what a manager does there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import AttemptKind, Effect, OrderState, State
from shopcallbacks.domain.values import Money, Request
from shopcallbacks.extensions import utcnow
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
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


def told(response: TestResponse) -> str:
    return str(json.loads(response.headers["HX-Trigger"])["say"])


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
    "query", ["tab=x&reason=y&per=z", "after=x", "before=~~", "sort=-amount&after=1~1", "q=%00%ff"]
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


def test_a_retry_shows_its_progress_and_then_its_result(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    asked = client.post(f"/callbacks/{callback.id}/retry", data={"seen": callback.version}, headers=HTMX)
    assert "Trying again" in asked.text
    assert "asked by you 0 s ago" in asked.text
    assert f"/callbacks/{callback.id}/row" in asked.text
    assert callback.due_kind is AttemptKind.retry
    process()
    done = client.get(f"/callbacks/{callback.id}/row", headers=HTMX)
    assert "2 attempts" in done.text
    assert "hx-trigger" not in done.text
    assert told(done).startswith("Signature does not match")


def test_force_says_what_it_does_and_opens_the_order(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    order = callback.order
    assert order is not None
    question = client.get(f"/callbacks/{callback.id}/forced-retry", headers=HTMX).text
    assert "The check with Stripe is skipped, nothing else." in question
    assert "temporary → <strong>open</strong>" in question
    assert "Open the order without Stripe&#39;s confirmation" in question
    assert order.state is OrderState.temporary
    client.post(f"/callbacks/{callback.id}/forced-retry", data={"why": "seen in Stripe"}, headers=HTMX)
    process()
    row = client.get(f"/callbacks/{callback.id}/row", headers=HTMX)
    assert "Processed: order opened" in row.text
    assert "seen in Stripe" in row.text
    assert told(row) == f"Order {order.number} opened"
    assert (callback.state, callback.effect, order.state) == (State.processed, Effect.opened, OrderState.open)


def test_force_is_not_offered_where_it_cannot_help(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account, money=Money(1, "EUR"))
    assert "forced-retry" not in client.get("/callbacks").text
    page = client.get(f"/callbacks/{callback.id}").text
    assert "forced-retry" not in page
    assert "Order 59.90 EUR, callback 0.01 EUR." in page
    question = client.get(f"/callbacks/{callback.id}/forced-retry").text
    assert "it would fail again" in question
    assert "<button" not in question.rpartition("Force this callback?")[2].partition("</form>")[0]


@pytest.mark.parametrize("verb", ["forced-retry", "removal"])
def test_a_reason_is_needed(client: FlaskClient, account: GatewayAccount, verb: str) -> None:
    callback = forged(account)
    for headers in (HTMX, {}):
        response = client.post(f"/callbacks/{callback.id}/{verb}", data={"why": " "}, headers=headers)
        assert response.status_code == 422
        assert "Say why" in response.text
    assert (callback.state, callback.due_at) == (State.unprocessed, None)


def test_removed_and_restored_without_script(client: FlaskClient, account: GatewayAccount) -> None:
    callback = wrong_amount(account)
    assert "Mark as invalid" in client.get(f"/callbacks/{callback.id}/removal?back=/callbacks?per=50").text
    data = {"why": "a test", "seen": callback.version, "back": "/callbacks?per=50"}
    response = client.post(f"/callbacks/{callback.id}/removal", data=data)
    assert (response.status_code, response.location) == (303, "/callbacks?per=50")
    assert callback.state is State.invalid
    html = client.get("/callbacks?tab=invalid").text
    assert "Marked as invalid." in html
    assert "marked as invalid by you" in html
    assert client.post(f"/callbacks/{callback.id}/restoration").status_code == 303
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.amount_mismatch)
    assert [act.verb for act in Activity.about(callback.id)] == ["remove", "restore"]


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_the_way_back_stays_on_the_site(client: FlaskClient, account: GatewayAccount, back: str) -> None:
    callback = forged(account)
    assert client.post(f"/callbacks/{callback.id}/retry", data={"back": back}).location == "/callbacks"
    assert "elsewhere" not in client.get(f"/callbacks/{callback.id}/removal", query_string={"back": back}).text


def test_two_managers_on_one_row_have_one_effect(client: FlaskClient, account: GatewayAccount) -> None:
    callback = wrong_amount(account)
    seen = callback.version
    first = client.post(f"/callbacks/{callback.id}/removal", data={"why": "mine", "seen": seen}, headers=HTMX)
    second = client.post(f"/callbacks/{callback.id}/removal", data={"why": "too", "seen": seen}, headers=HTMX)
    assert (first.status_code, second.status_code) == (200, 409)
    assert "has moved on since you saw it" in second.text
    assert "marked as invalid by you" in second.text
    assert len(Activity.about(callback.id)) == 1


def test_on_the_page_an_act_answers_with_the_page(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    asked = client.post(f"/callbacks/{callback.id}/retry", data={"on": "page"}, headers=HTMX)
    assert asked.text.lstrip().startswith('<div id="callback"')
    assert "watched=1" in asked.text
    process()
    assert told(client.get(f"/callbacks/{callback.id}?watched=1", headers=HTMX))
    assert "HX-Trigger" not in client.get(f"/callbacks/{callback.id}?part=bytes", headers=HTMX).headers


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
