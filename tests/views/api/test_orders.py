"""The shop's API."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask, request_finished
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from dev.services import Postgres, libpq
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders import repeats
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop

from ...factories import make_account, make_callback, make_order, make_shop, make_token, message, process

NEW = {"number": "251123163204-26", "amount": "149.00", "currency": "EUR"}


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    token = make_token(shop)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return shop


def test_what_is_committed_is_answered_though_its_connection_dies_behind_the_commit(
    app: Flask, client: FlaskClient, shop: Shop, postgres_server: Postgres
) -> None:
    def cut(*_: object, **__: object) -> None:
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(libpq(postgres_server.url), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])

    with request_finished.connected_to(cut, app):
        assert client.post("/api/orders", json=NEW).status_code == 201
    assert client.post("/api/orders", json=NEW).status_code == 200


def test_an_order_is_created_once(client: FlaskClient, shop: Shop) -> None:
    first = client.post("/api/orders", json=NEW)
    assert (first.status_code, first.json["state"], first.json["amount"]) == (201, "temporary", "149.00")
    assert first.headers["Location"] == "/api/orders/251123163204-26"
    again = client.post("/api/orders", json=NEW)
    assert (again.status_code, again.json) == (200, first.json)


def test_the_same_number_with_another_amount_replaces_it_while_it_waits(client: FlaskClient, shop: Shop) -> None:
    client.post("/api/orders", json=NEW)
    response = client.post("/api/orders", json={**NEW, "amount": "1.00"})
    assert (response.status_code, response.json["amount"], kinds(client)) == (200, "1.00", ["created", "replaced"])


def kinds(client: FlaskClient) -> list[str]:
    return [event["kind"] for event in client.get("/api/events").json["events"]]


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    return make_account(shop)


def paid(account: GatewayAccount, minor: int = 14900, number: str = NEW["number"], **more: Any) -> None:
    """The gateway says so."""
    make_callback(account, message(number, money=Money(minor, "EUR"), **more))
    process()


def test_another_amount_of_a_paid_order_is_refused_with_what_it_has_taken(
    client: FlaskClient, account: GatewayAccount
) -> None:
    client.post("/api/orders", json=NEW)
    paid(account)
    assert client.post("/api/orders", json=NEW).status_code == 200
    refused = client.post("/api/orders", json={**NEW, "amount": "150.00"})
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert refused.json["title"] == "The order is paid: it has taken 149.00 EUR."
    assert (refused.json["order"]["paid"], refused.json["order"]["amount"]) == ("149.00", "149.00")


def test_a_total_below_what_is_kept_is_refused_and_one_that_equals_it_opens_the_order(
    client: FlaskClient, shop: Shop, account: GatewayAccount
) -> None:
    shop.parts = True
    db.session.commit()
    client.post("/api/orders", json=NEW)
    paid(account, 4900)
    assert client.get(f"/api/orders/{NEW['number']}").json["need"] == "100.00"
    below = client.post("/api/orders", json={**NEW, "amount": "48.99"})
    assert (below.status_code, below.json["title"]) == (409, "The order has 49.00 EUR already.")
    equal = client.post("/api/orders", json={**NEW, "amount": "49.00"})
    assert (equal.status_code, equal.json["state"], equal.json["need"]) == (200, "open", "0.00")
    assert kinds(client) == ["created", "part_paid", "replaced", "opened"]


def test_a_payment_that_waits_is_let_in_by_the_total_that_replaces_the_former(
    client: FlaskClient, account: GatewayAccount
) -> None:
    client.post("/api/orders", json=NEW)
    paid(account, 12900)
    client.post("/api/orders", json={**NEW, "amount": "129.00"})
    process()
    shown = client.get(f"/api/orders/{NEW['number']}").json
    assert (shown["state"], shown["paid"]) == ("open", "129.00")


def test_a_cancelled_order_is_handed_in_again(client: FlaskClient, shop: Shop) -> None:
    client.post("/api/orders", json=NEW)
    assert client.post(f"/api/orders/{NEW['number']}/cancel").json["cancelled_by"] == "shop"
    again = client.post("/api/orders", json={**NEW, "amount": "99.00"})
    assert (again.status_code, again.json["state"], again.json["amount"]) == (201, "temporary", "99.00")
    assert kinds(client) == ["created", "cancelled", "handed_in_again"]


def test_an_order_is_given_up_once_and_its_parts_are_owed(
    client: FlaskClient, shop: Shop, account: GatewayAccount
) -> None:
    shop.parts = True
    db.session.commit()
    client.post("/api/orders", json=NEW)
    paid(account, 4900)
    first, second = (client.post(f"/api/orders/{NEW['number']}/cancel") for _ in range(2))
    assert (first.status_code, first.json["state"], first.json["paid"]) == (200, "cancelled", "0.00")
    assert (first.json["owed"], first.json["payments"][0]["owed"]) == ("49.00", {"EUR": "49.00"})
    assert (second.status_code, second.json) == (200, first.json)
    assert kinds(client) == ["created", "part_paid", "cancelled"]


def test_a_paid_order_is_not_given_up_and_an_unknown_one_is_not_there(
    client: FlaskClient, account: GatewayAccount
) -> None:
    client.post("/api/orders", json=NEW)
    paid(account)
    refused = client.post(f"/api/orders/{NEW['number']}/cancel")
    assert (refused.status_code, refused.json["order"]["state"]) == (409, "open")
    assert client.post("/api/orders/nowhere/cancel").status_code == 404


def in_(**length: int) -> str:
    return (datetime.now(UTC) + timedelta(**length)).isoformat()


def test_an_order_expires_at_the_time_it_was_handed_in_with(client: FlaskClient, shop: Shop) -> None:
    made = client.post("/api/orders", json={**NEW, "expires_at": "2099-11-27T18:00:00+01:00"})
    assert (made.status_code, made.json["expires_at"]) == (201, "2099-11-27T17:00:00+00:00")
    replaced = client.post("/api/orders", json={**NEW, "amount": "10.00"})
    assert replaced.json["expires_at"] == "2099-11-27T17:00:00+00:00"


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00Z", "2099-11-27T18:00:00", "tomorrow", 4099752000])
def test_a_time_to_expire_at_has_a_zone_and_lies_in_the_future(client: FlaskClient, shop: Shop, at: Any) -> None:
    response = client.post("/api/orders", json={**NEW, "expires_at": at})
    assert (response.status_code, [error["field"] for error in response.json["errors"]]) == (422, ["expires_at"])
    assert client.get(f"/api/orders/{NEW['number']}").status_code == 404


def test_what_is_handed_in_once_more_after_its_time_hears_what_became_of_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    client.post("/api/orders", json=NEW)
    paid(account)
    late = client.post("/api/orders", json={**NEW, "expires_at": in_(seconds=-1)})
    assert (late.status_code, late.json["state"]) == (200, "open")


# Calls that are repeated

KEY = {"Idempotency-Key": "cart 26, try 1"}


def test_a_call_that_is_repeated_is_answered_as_it_was_and_does_nothing(client: FlaskClient, shop: Shop) -> None:
    first = client.post("/api/orders", json=NEW, headers=KEY)
    client.post(f"/api/orders/{NEW['number']}/cancel")
    second = client.post("/api/orders", json=NEW, headers=KEY)
    assert (second.status_code, second.json, second.mimetype) == (201, first.json, "application/json")
    assert second.location == first.location == f"/api/orders/{NEW['number']}"
    assert kinds(client) == ["created", "cancelled"]


def test_which_methods_there_are_is_answered_without_an_order(client: FlaskClient, shop: Shop) -> None:
    for path in ("/api/orders", "/api/orders/26-1/cancel"):
        answer = client.options(path)
        assert (answer.status_code, answer.location) == (200, None)
        assert "POST" in answer.headers["Allow"]


def test_a_refusal_is_repeated_too(client: FlaskClient, account: GatewayAccount) -> None:
    client.post("/api/orders", json=NEW)
    paid(account)
    first, second = (client.post(f"/api/orders/{NEW['number']}/cancel", headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (409, 409)
    assert (second.json, second.mimetype) == (first.json, "application/problem+json")


@pytest.mark.parametrize(("path", "amount"), [("/api/orders", "1.00"), (f"/api/orders/{NEW['number']}/cancel", None)])
def test_the_key_of_another_call_is_refused(client: FlaskClient, shop: Shop, path: str, amount: str | None) -> None:
    client.post("/api/orders", json=NEW, headers=KEY)
    other = client.post(path, json={**NEW, "amount": amount} if amount else NEW, headers=KEY)
    assert (other.status_code, kinds(client)) == (422, ["created"])


def test_a_key_is_its_shops_own(client: FlaskClient, shop: Shop) -> None:
    client.post("/api/orders", json=NEW, headers=KEY)
    other = make_shop()
    token = make_token(other)
    headers = {**KEY, "Authorization": f"Bearer {token}"}
    assert client.post("/api/orders", json={**NEW, "amount": "1.00"}, headers=headers).status_code == 201


def test_a_call_that_was_not_taken_leaves_its_key_free(client: FlaskClient, shop: Shop) -> None:
    assert client.post("/api/orders", json={**NEW, "amount": "x"}, headers=KEY).status_code == 422
    assert client.post("/api/orders", json=NEW, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "\x7f"])
def test_a_key_is_short_and_printable(client: FlaskClient, shop: Shop, key: str) -> None:
    assert client.post("/api/orders", json=NEW, headers={"Idempotency-Key": key}).status_code == 422


def test_repeats_at_the_same_moment_make_one_order_and_hear_the_same(
    app: Flask, client: FlaskClient, shop: Shop
) -> None:
    answers = []

    def call() -> None:
        headers = {**KEY, "Authorization": client.environ_base["HTTP_AUTHORIZATION"]}
        response = FlaskClient(app, app.response_class).post("/api/orders", json=NEW, headers=headers)
        answers.append((response.status_code, response.json))

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [answers[0]] * 5
    assert (answers[0][0], kinds(client)) == (201, ["created"])


def test_a_key_is_forgotten_after_a_day(client: FlaskClient, shop: Shop) -> None:
    client.post("/api/orders", json=NEW, headers=KEY)
    repeats.forget(utcnow() + timedelta(hours=23))
    assert client.post("/api/orders", json=NEW, headers=KEY).status_code == 201
    repeats.forget(utcnow() + timedelta(hours=25))
    db.session.commit()
    assert client.post("/api/orders", json=NEW, headers=KEY).status_code == 200


# What is told of money


def test_each_event_tells_the_figures_after_it(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "liqpay", public_key="i12345678901", private_keys=["a private key"])
    client.post("/api/orders", json=NEW)
    paid(account, transaction_id="7")
    paid(account, transaction_id="7", outcome=Outcome.refunded, minor=4900)
    names = ("kind", "paid", "given_back", "kept", "owed")
    told = [tuple(event[name] for name in names) for event in client.get("/api/events").json["events"]]
    assert told == [
        ("created", "0.00", "0.00", "0.00", "0.00"),
        ("opened", "149.00", "0.00", "149.00", "0.00"),
        ("partly_refunded", "149.00", "49.00", "100.00", "0.00"),
    ]


def test_money_that_was_not_taken_never_reads_as_paid(client: FlaskClient, shop: Shop, account: GatewayAccount) -> None:
    client.post("/api/orders", json=NEW)
    client.post(f"/api/orders/{NEW['number']}/cancel")
    late = make_callback(account, message(NEW["number"], money=Money(14900, "EUR"), transaction_id="pi_1"))
    process()
    late.do(Verb.owe, None, "sold again")
    process()
    shown = client.get(f"/api/orders/{NEW['number']}").json
    assert (shown["paid"], shown["kept"], shown["owed"]) == ("0.00", "0.00", "149.00")
    [payment] = shown["payments"]
    assert (payment["gateway_account"], payment["transaction_ids"]) == (account.slug, ["pi_1"])
    assert (payment["came_in"], payment["taken"], payment["owed"]) == ({"EUR": "149.00"}, "0.00", {"EUR": "149.00"})
    event = client.get("/api/events").json["events"][-1]
    assert (event["kind"], event["paid"], event["owed"]) == ("owed", "0.00", "149.00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": None}, "number"),
        ({"number": 26}, "number"),
        ({"number": "x" * 101}, "number"),
        ({"number": "a\nb"}, "number"),
        ({"amount": 149}, "amount"),
        ({"amount": 149.0}, "amount"),
        ({"amount": "149.001"}, "amount"),
        ({"amount": "1e3000000"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "+49.00"}, "amount"),
        ({"amount": "4_9.00"}, "amount"),
        ({"amount": "４９.00"}, "amount"),
        ({"amount": " 49.00"}, "amount"),
        ({"amount": "49.00\n"}, "amount"),
        ({"amount": "10000000000000.00"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"test": "yes"}, "test"),
        ({"gateway_account": "nowhere"}, "gateway_account"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(client: FlaskClient, shop: Shop, change: dict[str, Any], field: str) -> None:
    response = client.post("/api/orders", json={**NEW, **change})
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert [error["field"] for error in response.json["errors"]] == [field]


def test_the_largest_sum_is_the_largest_that_gateways_can_say(client: FlaskClient, shop: Shop) -> None:
    assert client.post("/api/orders", json={**NEW, "amount": "9999999999999.99"}).status_code == 201
    larger = client.post("/api/orders", json={**NEW, "number": "2", "amount": "10000000000000.00"})
    assert "at most 9,999,999,999,999.99 EUR" in larger.json["errors"][0]["detail"]
    yen = {**NEW, "number": "3", "currency": "JPY"}
    assert client.post("/api/orders", json={**yen, "amount": "999999999999999"}).status_code == 201
    assert client.post("/api/orders", json={**yen, "amount": "1000000000000000"}).status_code == 422


def test_a_number_is_the_same_with_blanks_and_in_another_unicode_form(client: FlaskClient, shop: Shop) -> None:
    made = client.post("/api/orders", json={**NEW, "number": " Größe-7\t"})
    assert (made.status_code, made.json["number"]) == (201, "Größe-7")
    assert client.post("/api/orders", json={**NEW, "number": "Gro\u0308ße-7"}).status_code == 200
    assert client.get("/api/orders/Gro\u0308ße-7").json == made.json


def test_a_number_that_a_gateway_cuts_off_is_refused_with_its_name(client: FlaskClient, shop: Shop) -> None:
    make_account(shop)
    make_account(
        shop, "redsys", merchant_code="999008881", terminal="1", secret_keys=["sq7HjrUOBfKmC576ILgskD5srU870gJ7"]
    )
    response = client.post("/api/orders", json={**NEW, "number": "1234567890123"})
    assert response.json["errors"] == [
        {"field": "number", "detail": "must have at most 12 characters: Redsys gives no more of it back"}
    ]
    assert client.post("/api/orders", json={**NEW, "number": "123456789012"}).status_code == 201


def test_only_gateways_that_may_pay_the_order_limit_its_number(client: FlaskClient, shop: Shop) -> None:
    stripe = make_account(shop)
    redsys = make_account(
        shop, "redsys", merchant_code="999008881", terminal="1", secret_keys=["sq7HjrUOBfKmC576ILgskD5srU870gJ7"]
    )
    named = {**NEW, "number": "1234567890123"}
    assert client.post("/api/orders", json={**named, "gateway_account": stripe.slug}).status_code == 201
    redsys.mode = Mode.test
    db.session.commit()
    assert client.post("/api/orders", json={**named, "number": "1234567890124"}).status_code == 201
    assert client.post("/api/orders", json={**named, "number": "1234567890125", "test": True}).status_code == 422
    redsys.disable()
    db.session.commit()
    assert client.post("/api/orders", json={**named, "number": "1234567890125", "test": True}).status_code == 201


@pytest.mark.parametrize(("field", "longest"), [("reference_id", 40), ("order_id", None)])
def test_a_limit_may_be_that_of_the_field_the_number_stands_in(field: str, longest: int | None, shop: Shop) -> None:
    square = make_account(
        shop,
        "square",
        signature_keys=["key"],
        merchant_id="MLABC",
        notification_url="https://shop.example/",
        order_field=field,
    )
    assert square.longest_number == longest


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{", b'"x"'])
def test_what_is_no_object_is_said_to_be_none(client: FlaskClient, shop: Shop, body: bytes) -> None:
    response = client.post("/api/orders", data=body)
    assert response.status_code == 422
    assert response.json["errors"] == [{"field": "body", "detail": "must be a JSON object"}]


def test_currencies_have_their_own_decimals(client: FlaskClient, shop: Shop) -> None:
    yen = client.post("/api/orders", json={"number": "1", "amount": "1500", "currency": "JPY"})
    dinar = client.post("/api/orders", json={"number": "2", "amount": "12.345", "currency": "KWD"})
    assert (yen.json["amount"], dinar.json["amount"]) == ("1500", "12.345")


@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer wrong", "Basic abc", "bearer"])
def test_without_the_shops_token_nothing_is_said(client: FlaskClient, header: str | None) -> None:
    make_shop()
    response = client.get("/api/events", headers={"Authorization": header} if header else {})
    assert (response.status_code, response.mimetype) == (401, "application/problem+json")


def test_another_shops_order_does_not_exist(client: FlaskClient, shop: Shop) -> None:
    make_order(make_shop(), "theirs")
    assert client.get("/api/orders/theirs").status_code == 404


def test_the_feed_is_followed_by_its_cursor(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    for number in ("1", "2", "3"):
        make_callback(account, message(make_order(shop, number)))
    make_order(make_shop(), "theirs")
    process()
    cursor, seen = "0", []
    while True:
        page = client.get(f"/api/events?after={cursor}&limit=2").json
        if not page["events"]:
            break
        seen += page["events"]
        cursor = page["cursor"]
    assert [event["position"] for event in seen] == [str(place) for place in range(1, 7)]
    assert [(event["kind"], event["order"]) for event in seen[3:]] == [
        ("opened", "1"),
        ("opened", "2"),
        ("opened", "3"),
    ]
    assert client.get(f"/api/events?after={cursor}").json == {"events": [], "cursor": "6"}


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=ten", "limit=0", "after=" + 20 * "9", "after=\u0661"])
def test_a_bad_cursor_is_named(client: FlaskClient, shop: Shop, query: str) -> None:
    assert client.get(f"/api/events?{query}").status_code == 422


def test_an_order_that_is_created_late_wakes_its_callback(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    callback = make_callback(account, message(NEW["number"]))
    process()
    client.post("/api/orders", json={**NEW, "amount": "59.90"})
    process()
    assert callback.order is not None
    shown = client.get(f"/api/orders/{NEW['number']}").json
    assert (shown["state"], shown["paid"]) == ("open", "59.90")
    assert shown["payments"][0]["bookings"][0]["callback_id"] == callback.id


@pytest.mark.parametrize(
    ("body", "doubled"),
    [
        (b'{"number": "1", "amount": "999.00", "amount": "1.00", "currency": "EUR"}', ["amount"]),
        (
            b'{"number": "1", "n\\u0075mber": "2", "amount": "1.00", "currency": "EUR", "currency": "EUR"}',
            ["currency", "number"],
        ),
    ],
)
def test_a_name_that_comes_twice_is_refused(client: FlaskClient, shop: Shop, body: bytes, doubled: list[str]) -> None:
    response = client.post("/api/orders", data=body)
    assert response.status_code == 422
    assert response.json["errors"] == [{"field": name, "detail": "comes twice"} for name in doubled]
    assert client.get("/api/orders/1").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/orders", 405),
        ("DELETE", "/api/events", 405),
        ("GET", "/api/orders/a%00b", 404),
        ("GET", "/api/events?after=%00", 400),
    ],
)
def test_whatever_is_wrong_is_told_as_problem_json(
    client: FlaskClient, shop: Shop, method: str, path: str, status: int
) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert response.json["status"] == status
    assert ("Allow" in response.headers) is (status == 405)


def test_a_body_that_is_too_large_and_a_database_away_are_problems_too(
    client: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/api/orders", data=b"x" * 3_000_000).content_type == "application/problem+json"
    monkeypatch.setattr(Order, "find", lambda *_: (_ for _ in ()).throw(OperationalError("", {}, Exception())))
    away = client.get("/api/orders/1")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "30")
    assert "Please send it again" in away.json["title"]


@pytest.mark.parametrize("number", ["/5", "//5", "5//6", "5/"])
def test_slashes_of_a_number_are_its_own(client: FlaskClient, shop: Shop, number: str) -> None:
    for one in ("5", "5/6", number):
        place = client.post("/api/orders", json={**NEW, "number": one}).headers["Location"]
    assert client.get(place).json["number"] == number
    assert client.post(f"{place}/cancel").json["number"] == number
    states = [client.get(f"/api/orders/{one}").json["state"] for one in ("5", "5/6")]
    assert states == ["temporary", "temporary"]
