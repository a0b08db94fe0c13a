"""API keys against the account's mode, and the question whether the gateway takes them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopcallbacks.domain.values import Answer, Ask, NoAnswer
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_shop, make_user
from ..pages import form_on
from .test_accounts import form_of, words

HTMX = {"HX-Request": "true"}


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    with client.session_transaction() as session:
        session["shop"] = shop.slug
    return shop


@pytest.fixture
def answering(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Ask]]:
    """The gateway answers as told; what it was asked."""

    def answer(*answers: Answer | NoAnswer) -> list[Ask]:
        asked: list[Ask] = []
        left = iter(answers)
        monkeypatch.setitem(app.extensions, "ask", lambda question: asked.append(question) or next(left))
        return asked

    return answer


def values(account: GatewayAccount) -> list[str]:
    """The keys in use, the newest first."""
    db.session.refresh(account)
    return [secret.value for secret in account.secrets if secret.in_use]


def test_a_test_key_is_not_added_to_a_live_account(client: FlaskClient, shop: Shop) -> None:
    sent = form_of("mollie", {"api_keys": ["test_abc"]}, slug="mollie", mode="live")
    refused = client.post("/settings/gateways/new/mollie", data=sent)
    assert refused.status_code == 422
    assert "this is a test key (it begins with test_), and the account is in live mode" in words(refused.text)
    assert "test_abc" not in refused.text
    sent["mode"] = ["test"]
    assert client.post("/settings/gateways/new/mollie", data=sent).status_code == 303


def test_nor_is_a_live_key_put_beside_the_test_account_s_own(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "mollie", mode=Mode.test, api_keys=["test_1"])
    address = f"/settings/gateways/{account.id}/secrets"
    refused = client.post(address, data={"key": "api_keys", "set.api_keys": "live_1"}, headers=HTMX)
    assert refused.status_code == 422
    assert "this is a live key (it begins with live_), and the account is in test mode" in words(refused.text)
    assert values(account) == ["test_1"]


def test_a_live_account_is_for_tests_again_with_a_test_key_that_takes_the_place_of_the_live_key(
    client: FlaskClient, shop: Shop
) -> None:
    account = make_account(shop, "mollie", api_keys=["live_1"])
    address, form = f"/settings/gateways/{account.id}", form_of("mollie", account.settings, title="Mollie", mode="test")
    refused = client.post(address, data=form)
    assert refused.status_code == 422
    assert "API keys: this is a live key" in words(refused.text)
    assert re.search(r'type="password" id="set-api_keys"', refused.text), "the test key can be entered right there"
    db.session.refresh(account)
    assert (account.mode, values(account)) == (Mode.live, ["live_1"])

    assert client.post(address, data=form | {"set.api_keys": ["test_1"]}).status_code == 303
    assert (values(account), account.mode) == (["test_1"], Mode.test)


def test_a_test_account_does_not_go_live_with_a_test_key(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "mollie", mode=Mode.test, api_keys=["test_1"])
    address = f"/settings/gateways/{account.id}/live"
    refused = client.post(address, data=form_on(client.get(address).text, address) | {"set.api_keys": ["test_2"]})
    assert refused.status_code == 422
    assert "this is a test key (it begins with test_)" in words(refused.text)
    db.session.refresh(account)
    assert account.mode is Mode.test


def test_an_account_that_has_keys_of_both_modes_can_still_be_saved(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "mollie", api_keys=["live_1"])
    account.mode = Mode.test
    account.add_secrets(account.gateway.settings[0], ["test_1"], None)
    db.session.commit()
    form = form_of("mollie", account.settings, title="For tests", mode="test")
    assert client.post(f"/settings/gateways/{account.id}", data=form).status_code == 303
    assert values(account) == ["test_1", "live_1"]


def test_each_key_in_use_is_asked_about_and_what_came_is_said(
    client: FlaskClient, shop: Shop, answering: Callable[..., list[Ask]]
) -> None:
    account = make_account(shop, "mollie", api_keys=["live_new", "live_old"])
    asked = answering(Answer(200, b"{}"), Answer(401, b"{}"))
    said = client.post(f"/settings/gateways/{account.id}/keys", headers=HTMX)
    assert (said.status_code, "<html" in said.text) == (200, False)
    assert "Mollie accepts the key of" in words(said.text)
    assert "Mollie refuses the key of" in words(said.text)
    assert "it answered 401" in words(said.text)
    assert [dict(one.headers)["Authorization"] for one in asked] == ["Bearer live_new", "Bearer live_old"]
    assert "live_new" not in said.text


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (NoAnswer("no answer in 10 s"), "no answer in 10 s. Nothing is known of the key of"),
        (Answer(503, b""), "Mollie says neither yes nor no to the key of"),
    ],
)
def test_what_is_no_answer_is_said_as_such_without_script_too(
    client: FlaskClient, shop: Shop, answering: Callable[..., list[Ask]], answer: Answer | NoAnswer, sentence: str
) -> None:
    account = make_account(shop, "mollie", api_keys=["live_1"])
    answering(answer)
    page = client.post(f"/settings/gateways/{account.id}/keys")
    assert "<html" in page.text
    assert sentence in words(page.text)


def test_where_no_question_is_known_there_is_no_button(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    assert "Check the key" not in client.get(f"/settings/gateways/{account.id}").text
    assert client.post(f"/settings/gateways/{account.id}/keys").status_code == 404
    asked = make_account(shop, "mollie", api_keys=["live_1"])
    assert "Check the key" in client.get(f"/settings/gateways/{asked.id}").text


def test_only_admins_check_keys(client: FlaskClient) -> None:
    account = make_account(None, "mollie", api_keys=["live_1"])
    log_in(client, make_user(Role.manager, account.shop))
    assert client.post(f"/settings/gateways/{account.id}/keys").status_code == 403
