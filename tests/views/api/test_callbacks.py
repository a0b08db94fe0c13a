"""Callbacks by the API: listed by the panel's filter, shown as a viewer sees them, acted on as a manager does."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role

from ...factories import (
    SECRET,
    log_in,
    make_account,
    make_callback,
    make_order,
    make_token,
    make_user,
    message,
    process,
)

CARD = "4111111111111111"
PATH = "/api/callbacks"


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose program may read and act."""
    account = make_account(slug="stripe")
    token = make_token(account.shop, Scope.read, Scope.act, name="robot")
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return account


@pytest.fixture
def waiting(account: GatewayAccount) -> Callback:
    """Its sum differs from the order's."""
    callback = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    return callback


def test_what_needs_a_person_is_listed_with_what_can_be_done(client: FlaskClient, waiting: Callback) -> None:
    [told] = client.get(PATH).json["callbacks"]
    assert (told["id"], told["state"], told["reason"]) == (waiting.id, "unprocessed", "amount_mismatch")
    assert (told["amount"], told["currency"], told["order"]) == ("0.01", "EUR", waiting.order_number)
    assert {"accept", "close", "remove", "retry"} <= set(told["verbs"])


def test_the_list_is_filtered_as_the_panel_is(client: FlaskClient, account: GatewayAccount) -> None:
    for number in ("1", "2"):
        make_callback(account, message(make_order(account.shop, number)))
    make_callback(account, message("nowhere"))
    process()

    def orders(**query: str) -> list[str]:
        return [told["order"] for told in client.get(PATH, query_string=query).json["callbacks"]]

    assert orders() == []  # one without an order is tried again by itself before it waits for a person
    assert orders(tab="processed") == ["2", "1"]
    assert orders(tab="all", sort="-age") == ["1", "2", "nowhere"]
    assert orders(tab="all", order="2") == ["2"]
    assert orders(tab="all", account="stripe", reason="order_not_found") == ["nowhere"]


def test_pages_follow_each_other(client: FlaskClient, account: GatewayAccount) -> None:
    ids = [make_callback(account, message(f"none-{n}")).id for n in range(30)]
    found: list[int] = []
    query = {"tab": "all", "sort": "-age"}
    while True:
        page = client.get(PATH, query_string=query).json
        found += [told["id"] for told in page["callbacks"]]
        if page["after"] is None:
            break
        query["after"] = page["after"]
    assert found == ids


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tab", "nowhere"),
        ("tab", ""),
        ("reason", "x"),
        ("from", "2026-02-30"),
        ("account", "nowhere"),
        ("per", "7"),
        ("colour", "red"),
        ("after", "x"),
        ("after", "12~1"),
    ],
)
def test_a_filter_that_can_not_be_used_is_named_and_never_left_out(
    client: FlaskClient, account: GatewayAccount, name: str, value: str
) -> None:
    response = client.get(PATH, query_string={name: value})
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert [error["field"] for error in response.json["errors"]] == [name]


def test_a_callback_is_shown_with_what_was_tried_and_what_came(client: FlaskClient, waiting: Callback) -> None:
    shown = client.get(f"{PATH}/{waiting.id}").json
    [attempt] = shown["attempts"]
    assert (attempt["kind"], attempt["verdict"], attempt["asked_by"]) == ("first", "genuine", None)
    assert waiting.order_number in shown["request"]["body"]
    assert shown["request"]["sha256"] == waiting.digest.hex()
    assert waiting.account.token not in str(shown)


def test_card_numbers_and_secrets_are_hidden_as_on_a_screen(client: FlaskClient, account: GatewayAccount) -> None:
    callback = make_callback(account, message(CARD, transaction_id=CARD, event_id=f"evt {CARD}"))
    process()
    for path in (f"{PATH}/{callback.id}", f"{PATH}?tab=all"):
        told = client.get(path).text
        assert CARD not in told
        assert SECRET not in told
    assert "************1111" in client.get(f"{PATH}?tab=all").json["callbacks"][0]["transaction_id"]


def test_another_shops_callback_does_not_exist(client: FlaskClient, account: GatewayAccount) -> None:
    other = make_callback(make_account(), message("x"))
    assert client.get(f"{PATH}/{other.id}").status_code == 404
    assert client.post(f"{PATH}/{other.id}/remove", json={"why": "fake"}).status_code == 404
    assert client.get(PATH, query_string={"tab": "all"}).json["callbacks"] == []


# Verbs


def act(client: FlaskClient, callback: Callback, verb: str, **said: Any) -> Any:
    return client.post(f"{PATH}/{callback.id}/{verb}", json=said)


def test_a_verb_is_kept_with_the_tokens_name_and_the_reason(client: FlaskClient, waiting: Callback) -> None:
    done = act(client, waiting, "remove", why="a test of theirs", version=waiting.version)
    assert (done.status_code, done.json["state"], done.json["verbs"]) == (200, "invalid", ["restore"])
    kept = db.session.scalars(select(Activity).where(Activity.verb == "remove")).one()
    assert (kept.actor, kept.why, kept.callback_id) == ("API token robot", "a test of theirs", waiting.id)
    assert waiting.state is State.invalid


def test_an_attempt_is_asked_for_and_made_by_the_worker(client: FlaskClient, waiting: Callback) -> None:
    asked = act(client, waiting, "accept", why="agreed by phone")
    assert (asked.status_code, asked.json["verbs"]) == (202, [])
    process()
    shown = client.get(f"{PATH}/{waiting.id}").json
    assert (shown["state"], shown["effect"], shown["order_state"]) == ("processed", "accepted", "open")
    assert (shown["attempts"][-1]["asked_by"], shown["attempts"][-1]["why"]) == ("API token robot", "agreed by phone")
    assert [(one["who"], one["verb"]) for one in shown["acts"]] == [("API token robot", "accept")]


def test_screens_say_that_a_token_did_it(client: FlaskClient, waiting: Callback) -> None:
    act(client, waiting, "accept", why="agreed by phone")
    process()
    del client.environ_base["HTTP_AUTHORIZATION"]
    log_in(client, make_user(Role.viewer, waiting.account.shop))
    for page in ("/activity", f"/callbacks/{waiting.id}"):
        assert "API token robot" in client.get(page).text


def test_what_only_an_admin_may_accept_no_token_may(client: FlaskClient, account: GatewayAccount) -> None:
    account.shop.accept_limit_minor, account.shop.accept_limit_currency = 500, "EUR"
    callback = make_callback(account, message(make_order(account.shop), money=Money(501, "EUR")))
    process()
    refused = act(client, callback, "accept", why="it is enough")
    assert (refused.status_code, "for an admin to accept" in refused.json["title"]) == (409, True)
    assert "accept" not in refused.json["callback"]["verbs"]
    assert db.session.scalar(select(Activity.id).where(Activity.verb == "accept")) is None


def test_what_has_moved_on_is_refused_with_how_it_stands(client: FlaskClient, waiting: Callback) -> None:
    seen = waiting.version
    act(client, waiting, "remove", why="fake")
    refused = act(client, waiting, "restore", version=seen)
    assert (refused.status_code, refused.json["callback"]["state"]) == (409, "invalid")
    assert "removed by API token robot" in refused.json["title"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "why"),
        ({"why": " "}, "why"),
        ({"why": 7}, "why"),
        ({"why": "x" * 501}, "why"),
        ({"why": "a\x00b"}, "why"),
        ({"why": "x", "\udc00": 1}, "\udc00"),
        ({"why": "x", "version": "1"}, "version"),
        ({"why": "x", "colour": "red"}, "colour"),
        ([], "body"),
    ],
)
def test_a_body_that_can_not_be_used_is_named(client: FlaskClient, waiting: Callback, body: Any, field: str) -> None:
    response = client.post(f"{PATH}/{waiting.id}/remove", json=body)
    assert (response.status_code, [error["field"] for error in response.json["errors"]]) == (422, [field])
    assert waiting.state is State.unprocessed


def test_a_callback_is_assigned_to_an_order(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop, "right")
    callback = make_callback(account, message("wrong"))
    process()
    assert act(client, callback, "assign", why="typo").status_code == 422
    assert act(client, callback, "assign", why="typo", order="none").json["title"] == "There is no order none."
    assert act(client, callback, "assign", why="typo", order="right").status_code == 202
    process()
    assert client.get(f"{PATH}/{callback.id}").json["order_state"] == "open"
    assert order.paid == order.total


def test_a_verb_that_is_repeated_with_its_key_is_done_once(client: FlaskClient, waiting: Callback) -> None:
    headers = {"Idempotency-Key": "once"}
    path, body = f"{PATH}/{waiting.id}/remove", {"why": "fake"}
    first, second = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code, second.json) == (200, 200, first.json)


def test_without_a_body_what_needs_no_reason_is_done(client: FlaskClient, waiting: Callback) -> None:
    assert client.post(f"{PATH}/{waiting.id}/retry").status_code == 202
    assert client.post(f"{PATH}/{waiting.id}/delete").status_code == 404
