"""What is as good as genuine is a cause of its own, on top, with its cure and the way there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import OURS_TO_MEND, Conflict, Reason
from shopcallbacks.domain.states import State
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.secrets import Secret
from shopcallbacks.shops.users import Role
from shopcallbacks.words.cures import CURES
from shopcallbacks.words.reasons import CONFLICTS

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


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    return make_shop()


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    return make_account(shop, slug="stripe", signing_secrets=["whsec_old"])


@pytest.fixture
def old(account: GatewayAccount) -> Secret:
    """Retired; the gateway signs with it still."""
    (secret,) = account.secrets
    setting = next(one for one in account.gateway.settings if one.is_secret)
    account.add_secrets(setting, ["whsec_new"], None)
    account.end_secret(secret, utcnow())
    db.session.commit()
    return secret


def late(account: GatewayAccount, old: Secret) -> Callback:
    """Signed with the retired secret."""
    said = message(make_order(account.shop))
    example = account.gateway.example(account.settings_with([old])[0], said, utcnow())
    assert example is not None
    callback = make_callback(account, example.request)
    process()
    return callback


def log_in_as(client: FlaskClient, role: Role, shop: Shop) -> FlaskClient:
    return log_in(client, make_user(role, shop))


def test_every_cause_of_ours_has_its_words_its_cure_and_stands_out_in_blue() -> None:
    assert set(CURES) == set(OURS_TO_MEND)
    assert {CONFLICTS[conflict].dot for conflict in OURS_TO_MEND} == {"blue"}
    assert all(CONFLICTS[conflict].step.mends for conflict in OURS_TO_MEND)


def test_a_retired_secret_is_a_cause_of_its_own_on_top_and_leads_to_its_cure(
    client: FlaskClient, account: GatewayAccount, old: Secret
) -> None:
    forger = make_account(signing_secrets=["whsec_forged"])
    for _ in range(3):
        make_callback(account, request_for(forger, message(make_order(account.shop))))
    callback = late(account, old)
    assert (callback.reason, callback.conflict) == (Reason.not_genuine, Conflict.secret_retired)
    log_in_as(client, Role.admin, account.shop)
    cure = f"/settings/gateways/{account.id}/cures/secret_retired"
    for address in ("/", "/callbacks/causes"):
        page = client.get(address).text
        assert page.index("Signed with a secret you have retired") < page.index("Signature does not match")
        assert f'href="{cure}">Put the secret back' in page
    for address in (f"/callbacks/{callback.id}", "/callbacks"):
        assert f'href="{cure}">Put the secret back' in client.get(address).text
    question = client.get(f"/callbacks/{callback.id}/forced-retry").text
    assert f'Better than to force it: <a href="{cure}">put the secret back</a>' in question


def test_an_admin_puts_the_secret_back_and_hears_how_many_pass_now(
    client: FlaskClient, account: GatewayAccount, old: Secret
) -> None:
    callbacks = [late(account, old) for _ in range(2)]
    log_in_as(client, Role.admin, account.shop)
    cure = f"/settings/gateways/{account.id}/cures/secret_retired"
    page = client.get(cure).text
    assert "2 callbacks of" in page
    (action,) = re.findall(r'action="([^"]+/end)"', page)
    assert client.post(action, data={"ends_at": "2099-01-01T12:00"}).status_code == 303
    page = client.get(cure).text
    assert ("2 callbacks pass now." in page, action in page) == (True, False)
    (retry,) = re.findall(r'href="(/bulk/new\?verb=retry[^"]+)"', page)
    question = client.get(retry.replace("&amp;", "&")).text
    assert "2 orders open: " in re.sub(r"<[^>]+>", "", question)
    own = client.get(f"/settings/gateways/{account.id}").text
    assert "2 callbacks that wait pass now" in own
    assert {callback.state for callback in callbacks} == {State.unprocessed}, "nobody has retried them yet"


def test_a_manager_sends_an_admin_the_link(client: FlaskClient, account: GatewayAccount, old: Secret) -> None:
    late(account, old)
    log_in_as(client, Role.manager, account.shop)
    cure = f"/settings/gateways/{account.id}/cures/secret_retired"
    assert f'href="{cure}">Ask an admin' in client.get("/callbacks").text
    page = client.get(cure).text
    assert f'value="http://127.0.0.1:5000{cure}"' in page
    assert "mailto:?subject=Signed%20with" in page
    assert ("/secrets/" in page, f'/settings/gateways/{account.id}"' in page) == (False, False)


def test_a_viewer_and_another_shop_see_no_cure(client: FlaskClient, account: GatewayAccount, old: Secret) -> None:
    cure = f"/settings/gateways/{account.id}/cures/secret_retired"
    log_in_as(client, Role.viewer, account.shop)
    late(account, old)
    assert client.get(cure).status_code == 403
    for address in ("/", "/callbacks", "/callbacks/causes"):
        page = client.get(address).text
        assert ("Signed with a secret you have retired" in page, cure in page) == (True, False)
    log_in_as(client, Role.admin, make_shop())
    assert client.get(cure).status_code == 404


@pytest.mark.parametrize("conflict", ["order_cancelled", "nonsense"])
def test_what_is_not_ours_has_no_cure(client: FlaskClient, account: GatewayAccount, conflict: str) -> None:
    log_in_as(client, Role.admin, account.shop)
    assert client.get(f"/settings/gateways/{account.id}/cures/{conflict}").status_code == 404


def test_each_other_cause_names_its_cure_and_leads_there(
    client: FlaskClient, shop: Shop, account: GatewayAccount
) -> None:
    other = make_account(shop, slug="second", signing_secrets=["whsec_second"])
    trial = make_account(shop, slug="trial", mode=Mode.test, signing_secrets=["whsec_trial"])
    genuine = request_for(account, message(make_order(shop)))
    came = {
        Conflict.secret_elsewhere: request_for(other, message(make_order(shop))),
        Conflict.secret_of_other_mode: request_for(trial, message(make_order(shop))),
        Conflict.rewritten: replace(genuine, body=genuine.body + b"\n"),
        Conflict.mistimed: request_for(account, message(make_order(shop)), utcnow() - timedelta(hours=2)),
    }
    made = {conflict: make_callback(account, replace(one, arrived_at=utcnow())) for conflict, one in came.items()}
    process()
    assert {conflict: callback.conflict for conflict, callback in made.items()} == {one: one for one in made}
    log_in_as(client, Role.admin, shop)
    panel = client.get("/callbacks").text
    for conflict in made:
        cure = f"/settings/gateways/{account.id}/cures/{conflict}"
        assert f'href="{cure}">Put it right' in panel
        page = client.get(cure).text
        assert f'href="/settings/gateways/{account.id}' in page
        assert "1 callback of" in page


def test_it_is_found_by_the_words_of_its_cause(
    client: FlaskClient, shop: Shop, account: GatewayAccount, old: Secret
) -> None:
    callback = late(account, old)
    log_in_as(client, Role.viewer, shop)
    assert f"/callbacks/{callback.id}" in client.get("/search?q=secret+you+have+retired").text


def test_the_plain_cause_leads_to_its_own_callbacks_and_not_to_those_with_a_cure(
    client: FlaskClient, shop: Shop, account: GatewayAccount, old: Secret
) -> None:
    late(account, old)
    forger = make_account(signing_secrets=["whsec_forged"])
    forged = make_callback(account, request_for(forger, message(make_order(shop))))
    process()
    log_in_as(client, Role.manager, shop)
    (way,) = re.findall(r'href="(/callbacks[?][^"]+)">See why', client.get("/").text)
    line = client.get("/callbacks/causes").text.partition("Signature does not match: <strong>1 callback<")[2]
    (same,) = re.findall(r'href="(/callbacks[?][^"]+)">See why', line)
    (remove,) = re.findall(r'href="(/bulk/new[?]verb=remove[^"]+)"', line)
    for address in (way, same):
        shown = client.get(address.replace("&amp;", "&")).text
        assert re.findall(r'<tr[^>]* id="callback-(\d+)"', shown) == [str(forged.id)]
    assert "2 callbacks" not in client.get(remove.replace("&amp;", "&")).text
    assert "alone=not_genuine" in remove
