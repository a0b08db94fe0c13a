"""Settings: a test account goes live on a page of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Conflict
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Message
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
    request_for,
)
from ..pages import form_on

HMAC = {
    "secrets": ["test-test-test"],
    "signature": {"name": "X-Signature"},
    "fields": {"order_number": "/order", "amount": "/sum", "currency": "/currency", "status": "/status"},
    "statuses": {"ok": "paid"},
}


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """A test account, whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.admin, shop))
    return make_account(shop, "generic_hmac", mode=Mode.test, **HMAC)


def live(client: FlaskClient, account: GatewayAccount, secret: str = "live-live-live", **typed: str) -> int:
    """What the form's page answers: as it stands there, with that secret and what else was typed."""
    address = f"/settings/gateways/{account.id}/live"
    page = client.get(address)
    form = form_on(page.text, address) if page.status_code == 200 else {}
    changed = {"set.secrets": [secret]} | {name: [value] for name, value in typed.items()}
    status = client.post(address, data=form | changed).status_code
    db.session.refresh(account)
    return status


def test_the_page_says_what_changes_and_asks_for_the_secrets_anew(client: FlaskClient, account: GatewayAccount) -> None:
    assert f"/settings/gateways/{account.id}/live" in client.get(f"/settings/gateways/{account.id}").text
    page = client.get(f"/settings/gateways/{account.id}/live").text
    for said in (
        "What came until now stays a test",
        "Its address stays the same",
        "The secrets of the test mode end now",
        'name="set.secrets"',
    ):
        assert said in page
    assert account.mode is Mode.test


def test_it_goes_live_with_new_secrets_the_same_address_and_a_line_in_the_log(
    client: FlaskClient, account: GatewayAccount
) -> None:
    address = account.callback_url
    assert live(client, account) == 303
    assert (account.mode, account.callback_url) == (Mode.live, address)
    assert [secret.value for secret in account.secrets if secret.in_use] == ["live-live-live"]
    act = db.session.scalars(select(Activity).where(Activity.verb == "settings")).one()
    assert act.what == f"{account.slug}: Mode from test to live, new: Secrets; those of the test mode ended"
    assert act.actor == "Admin Person"
    again = client.get(f"/settings/gateways/{account.id}/live")
    assert again.status_code == 303


def test_without_the_secrets_of_the_live_mode_nothing_changes(client: FlaskClient, account: GatewayAccount) -> None:
    assert live(client, account, "  ") == 422
    assert account.mode is Mode.test
    assert [secret.value for secret in account.secrets if secret.in_use] == ["test-test-test"]


def test_what_else_is_of_the_live_mode_is_changed_with_it(client: FlaskClient, account: GatewayAccount) -> None:
    assert live(client, account, **{"set.signature.name": "X-Live-Signature"}) == 303
    assert account.settings["signature"]["name"] == "X-Live-Signature"
    assert account.settings["fields"] == HMAC["fields"]
    act = db.session.scalars(select(Activity).where(Activity.verb == "settings")).one()
    assert act.what.startswith(f"{account.slug}: Mode from test to live, new: Secrets; those of the test mode ended")
    assert "Signature" in act.what


def test_with_a_setting_that_can_not_be_right_nothing_changes(client: FlaskClient, account: GatewayAccount) -> None:
    address = f"/settings/gateways/{account.id}/live"
    form = form_on(client.get(address).text, address) | {"set.secrets": ["live-live-live"], "set.signature.name": [""]}
    page = client.post(address, data=form)
    assert page.status_code == 422
    assert '<details class="fold field" open>' in page.text
    db.session.refresh(account)
    assert account.mode is Mode.test
    assert [secret.value for secret in account.secrets if secret.in_use] == ["test-test-test"]


def said(number: str) -> Message:
    return message(number, test=None)


def test_what_came_before_stays_a_test_and_what_comes_now_is_live(client: FlaskClient, account: GatewayAccount) -> None:
    before_test, before_live = make_order(account.shop, test=True), make_order(account.shop)
    first, second = make_callback(account, said(before_test.number)), make_callback(account, said(before_live.number))
    assert live(client, account) == 303
    now_live = make_order(account.shop)
    third = make_callback(account, said(now_live.number))
    process()
    assert (first.state, before_test.state) == (State.processed, OrderState.open)
    assert (second.state, before_live.state) == (State.unprocessed, OrderState.temporary)
    assert (third.state, now_live.state) == (State.processed, OrderState.open)


def test_a_secret_of_the_test_mode_is_known_as_such_and_not_offered_to_be_put_back(
    client: FlaskClient, account: GatewayAccount
) -> None:
    signed = request_for(account, said("late"))
    assert live(client, account) == 303
    late = make_callback(account, replace(signed, arrived_at=utcnow()))
    process()
    assert late.conflict is Conflict.secret_of_other_mode
    assert "Put the secret back" not in client.get(f"/callbacks/{late.id}").text


def test_the_form_of_its_settings_does_not_switch_it(client: FlaskClient, account: GatewayAccount) -> None:
    response = client.post(f"/settings/gateways/{account.id}", data={"mode": "live"})
    assert response.status_code == 422
    assert "goes live on a page of its own" in response.text
    db.session.refresh(account)
    assert account.mode is Mode.test


@pytest.mark.parametrize("role", [Role.viewer, Role.manager])
def test_only_admins_switch_it(client: FlaskClient, role: Role) -> None:
    shop: Shop = make_shop()
    account = make_account(shop, "generic_hmac", mode=Mode.test, **HMAC)
    log_in(client, make_user(role, shop))
    assert client.get(f"/settings/gateways/{account.id}/live").status_code == 403
    assert live(client, account) == 403
    assert account.mode is Mode.test


def test_an_admin_of_another_shop_finds_nothing(client: FlaskClient, account: GatewayAccount) -> None:
    log_in(client, make_user(Role.admin, make_shop()))
    assert live(client, account) in (403, 404)
    assert account.mode is Mode.test
