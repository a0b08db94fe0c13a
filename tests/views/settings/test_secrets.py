"""The secrets of a gateway account: added and ended."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    with client.session_transaction() as session:
        session["shop"] = shop.slug
    return shop


def live(account: GatewayAccount) -> list[str]:
    db.session.refresh(account)
    return [secret.value for secret in account.settings_at(utcnow())[1]]


def test_a_secret_is_rotated_with_an_overlap(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, signing_secrets=["whsec_one"])
    order = make_order(shop)
    url = f"/settings/gateways/{account.id}/secrets"
    added = client.post(url, data={"key": "signing_secrets", "set.signing_secrets": " whsec_two ", "former": "day"})
    assert added.status_code == 303
    assert live(account) == ["whsec_two", "whsec_one"]
    two, one = account.secrets
    assert one.ends_at is not None
    assert timedelta(hours=23) < one.ends_at - utcnow() <= timedelta(days=1)

    assert client.post(f"{url}/{one.id}/end", data={"when": "now", "why": "leaked"}).status_code == 303
    assert live(account) == ["whsec_two"]
    assert "retired" in client.get(f"/settings/gateways/{account.id}").text

    late = account.gateway.example(account.settings_with([one])[0], message(order), utcnow())
    assert late is not None
    callback = make_callback(account, late.request)
    process()
    assert (callback.reason, "retired" in callback.detail) == (Reason.not_genuine, True)
    until = (utcnow() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert client.post(f"{url}/{one.id}/end", data={"ends_at": until}).status_code == 303
    assert set(live(account)) == {"whsec_two", "whsec_one"}
    callback.do(Verb.retry, None)
    process()
    assert callback.state is State.processed
    assert client.post(f"{url}/{two.id}/end", data={"when": "never"}).status_code == 303
    acts = "\n".join(act.what + act.why for act in db.session.scalars(select(Activity)))
    assert "leaked" in acts
    assert "whsec" not in acts


def test_a_single_secret_is_replaced_at_once(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "klarna", username="K1", password="first-password")
    form = {"key": "password", "set.password": "second-password"}
    client.post(f"/settings/gateways/{account.id}/secrets", data=form)
    assert live(account) == ["second-password"]


def test_a_secret_of_parts_is_whole_or_not_at_all(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "paytr", merchant_id="1", keys=[["k", "s"]])
    url, half = f"/settings/gateways/{account.id}/secrets", {"key": "keys", "set.keys.merchant_key": "only"}
    response = client.post(url, data=half, headers={"HX-Request": "true"})
    assert (response.status_code, "must hold merchant_key, merchant_salt" in response.text) == (422, True)
    client.post(url, data={**half, "set.keys.merchant_salt": "salt"})
    assert live(account) == [["only", "salt"], ["k", "s"]]


@pytest.mark.parametrize("form", [{"key": "signing_secrets"}, {"key": "signing_secrets", "set.signing_secrets": " "}])
def test_no_secret_is_no_secret(client: FlaskClient, shop: Shop, form: dict[str, str]) -> None:
    account = make_account(shop)
    response = client.post(f"/settings/gateways/{account.id}/secrets", data=form, headers={"HX-Request": "true"})
    assert (response.status_code, len(live(account))) == (422, 1)
    assert json.loads(response.headers["HX-Trigger"]) == {"say": "Signing secrets: this is needed."}


def test_an_end_that_is_no_time_changes_nothing(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    url = f"/settings/gateways/{account.id}/secrets/{account.secrets[0].id}/end"
    said = {"ends_at": "", "why": "leaked, they say"}
    answer = client.post(url, data=said, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert 'name="why" value="leaked, they say"' in answer.text, "what was typed stands there again"
    assert f'id="end-{account.secrets[0].id}" open>' in answer.text
    assert len(live(account)) == 1
    look = client.post(url, data={**said, "look": "1"}, headers={"HX-Request": "true"})
    assert (look.status_code, 'id="secrets"' in look.text) == (200, False), "only a sentence beside the form"


def test_the_end_of_a_secret_is_read_in_the_shops_time_zone(client: FlaskClient, shop: Shop) -> None:
    shop.time_zone = "America/New_York"
    account = make_account(shop)
    url = f"/settings/gateways/{account.id}/secrets/{account.secrets[0].id}/end"
    client.post(url, data={"ends_at": "2099-01-15T12:00"})
    db.session.expire_all()
    assert f"{account.secrets[0].ends_at:%H:%M}" == "17:00"
