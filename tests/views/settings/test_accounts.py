"""Settings > Gateways: what an admin sets up, and what nobody ever sees again."""

from __future__ import annotations

import html
import json
import logging
import re
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.callbacks.refusals import Refusal
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import WrongCall
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Kind, Setting
from shopcallbacks.gateways.settings import complete
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.secrets import Secret
from shopcallbacks.shops.users import Role
from shopcallbacks.views.settings.form import as_text, name_of

from ...factories import log_in, make_account, make_callback, make_shop, make_user, message
from ...gateways.vectors import OWN, load

CONFIG: dict[str, dict[str, Any]] = {}
for _, vector in load(OWN):
    CONFIG.setdefault(vector["gateway"], vector["config"])


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    with client.session_transaction() as session:
        session["shop"] = shop.slug
    return shop


def as_typed(setting: Setting, value: Any) -> list[tuple[str, str]]:
    """What a browser sends for the setting, line ends and all."""
    if setting.is_secret:
        items = value if setting.kind is Kind.secrets else [value]
        if not setting.parts:
            return [(name_of(setting), item) for item in items]
        rows = [[item[part] for part in setting.parts] if setting.keyed else item for item in items]
        return [(name_of(setting, part), text) for row in rows for part, text in zip(setting.parts, row, strict=True)]
    if setting.kind is Kind.choices:
        return [(name_of(setting), item) for item in value]
    return [(name_of(setting), as_text(setting, value).replace("\n", "\r\n"))]


def form_of(name: str, config: dict[str, Any], **more: str) -> dict[str, list[str]]:
    pairs = [
        pair
        for setting in GATEWAYS[name].settings
        if config.get(setting.key) is not None
        for pair in as_typed(setting, config[setting.key])
    ]
    form: dict[str, list[str]] = {key: [value] for key, value in more.items()}
    for key, text in pairs:
        form.setdefault(key, []).append(text)
    return form


def stripped(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the line end after a PEM block, which a form does not keep."""
    return {
        key: [item.strip() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value
        for key, value in settings.items()
    }


def secret_texts(name: str, config: dict[str, Any]) -> set[str]:
    """Every secret text, those too short to be told from other words left out."""
    kept = [config.get(setting.key) for setting in GATEWAYS[name].settings if setting.is_secret]
    return {text for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(kept)) if len(text) > 7} - {
        part for setting in GATEWAYS[name].settings for part in setting.parts
    }


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_an_account_of_each_gateway_is_added_by_its_form_and_reads_back_equal(
    client: FlaskClient, shop: Shop, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    page = client.get(f"/settings/gateways/new/{name}")
    assert page.status_code == 200
    for setting in GATEWAYS[name].settings:
        assert f'name="{name_of(setting, next(iter(setting.parts), ""))}' in page.text
    response = client.post(f"/settings/gateways/new/{name}", data=form_of(name, CONFIG[name], slug="its-own"))
    assert response.status_code == 303, response.text
    account = db.session.scalars(select(GatewayAccount)).one()
    assert account.settings_at(utcnow())[0] == stripped(complete(GATEWAYS[name], CONFIG[name]))

    pages = [client.get(address).text for address in (response.location, "/settings", "/activity")]
    assert account.callback_url in pages[0]
    told = "\n".join([*pages, caplog.text, *(f"{act.what} {act.why}" for act in db.session.scalars(select(Activity)))])
    assert [text for text in secret_texts(name, CONFIG[name]) if text in told] == []

    unchanged = client.post(response.location, data=form_of(name, account.settings, title=account.title))
    assert unchanged.status_code == 303, unchanged.text
    db.session.refresh(account)
    assert account.settings_at(utcnow())[0] == stripped(complete(GATEWAYS[name], CONFIG[name]))
    assert "Nothing was changed" in client.get(response.location).text


def test_every_bad_field_is_named_and_nothing_typed_is_lost_but_secrets(client: FlaskClient, shop: Shop) -> None:
    form = {
        "slug": "Not good",
        "title": "My <bank>",
        "mode": "test",
        "set.signature": "{oops",
        "set.secrets": "s3cr3t-s3cr3t",
        "set.fields": "[1]",
        "set.test_values": "yes\r\nja",
    }
    response = client.post("/settings/gateways/new/generic_hmac", data=form)
    assert response.status_code == 422
    for said in (
        "can&#39;t be part of an address",
        "Signature: this must be JSON; reading stopped at line 1, column 2.",
        "Places of the fields: this must be a JSON object.",
        "Statuses: this is needed.",
        "4 fields need another look",
        "My &lt;bank&gt;",
        "{oops",
        "yes\r\nja",
    ):
        assert said in response.text
    assert "s3cr3t-s3cr3t" not in response.text
    assert re.search(r'value="test" checked', response.text)
    assert db.session.scalars(select(GatewayAccount)).all() == []


def test_a_slug_is_taken_once_and_the_next_one_is_offered(client: FlaskClient, shop: Shop) -> None:
    make_account(shop, slug="stripe")
    assert 'value="stripe-2"' in client.get("/settings/gateways/new/stripe").text
    form = form_of("stripe", {"signing_secrets": ["whsec_1"]}, slug="stripe")
    assert "already" in client.post("/settings/gateways/new/stripe", data=form).text


def test_a_gateway_is_found_by_name_and_by_how_it_is_verified(client: FlaskClient, shop: Shop) -> None:
    found = client.get("/settings/gateways/new?q=pAYpal", headers={"HX-Request": "true"}).text
    assert "<html" not in found
    assert re.findall(r'id="kind-(\w+)"', found) == ["paypal_ipn", "paypal"]
    assert "kind-stripe" in client.get("/settings/gateways/new?q=stripe-signature").text
    assert "Generic HMAC" in client.get("/settings/gateways/new?q=none+such").text


def test_gateways_stand_under_used_most_and_their_parts_of_the_world_and_are_found_by_country(
    client: FlaskClient, shop: Shop
) -> None:
    page = client.get("/settings/gateways/new").text
    shelves = re.findall(r'id="shelf-\d">([^<]+)<', page)
    assert shelves == ["Used most", "Europe", "The Americas", "Asia", "Africa", "Worldwide", "Any other gateway"]
    kinds = re.findall(r'id="kind-(\w+)"', page)
    assert sorted(kinds) == sorted(GATEWAYS)
    assert kinds.index("stripe") < kinds.index("gocardless") < kinds.index("paystack") < kinds.index("generic_hmac")
    poland = client.get("/settings/gateways/new?q=poland").text
    assert re.findall(r'id="kind-(\w+)"', poland) == ["payu", "przelewy24"]


def test_the_address_is_told_before_the_account_is_added_and_stays_the_same(client: FlaskClient, shop: Shop) -> None:
    """Stripe shows the secret that the account needs only once it knows the address."""

    def address(page: str) -> str:
        return re.findall(r'value="(http[^"]+/callbacks/[^"]+)"', page)[0]

    told = address(client.get("/settings/gateways/new/stripe").text)
    assert f"/callbacks/{shop.slug}/stripe/" in told
    typed = client.get("/settings/gateways/new/stripe/address?slug=cards", headers={"HX-Request": "true"}).text
    assert address(typed) == told.replace("/stripe/", "/cards/")
    assert client.get("/settings/gateways/new/stripe/address").status_code == 200
    form = form_of("stripe", {"signing_secrets": ["whsec_1"]}, slug="cards")
    added = client.post("/settings/gateways/new/stripe", data=form)
    assert address(client.get(added.location).text) == address(typed)
    another = address(client.get("/settings/gateways/new/stripe").text)
    assert another.rpartition("/")[2] != told.rpartition("/")[2]


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_the_steps_stand_where_the_account_is_added_and_on_its_page(client: FlaskClient, shop: Shop, name: str) -> None:
    account = make_account(shop, name, **CONFIG[name])
    for page in (f"/settings/gateways/new/{name}", f"/settings/gateways/{account.id}"):
        told = html.unescape(client.get(page).text)
        assert [step.text for step in GATEWAYS[name].steps if step.text not in told] == []
        assert [step.link for step in GATEWAYS[name].steps if f'href="{step.link}"' not in told and step.link] == []


def test_a_change_is_kept_with_who_and_what(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, slug="main")
    form = form_of("stripe", account.settings | {"order_key": "order_id"}, title="Cards", mode="test")
    assert client.post(f"/settings/gateways/{account.id}", data=form).status_code == 303
    db.session.refresh(account)
    assert (account.title, account.mode, account.settings["order_key"]) == ("Cards", Mode.test, "order_id")
    act = db.session.scalars(select(Activity).where(Activity.verb == "settings")).one()
    assert act.what.startswith("main: Title from Stripe to Cards, Mode from live to test, ")
    assert "from order_number to order_id" in act.what
    assert act.actor == "Owner Person"


def test_who_asks_is_seen_anew_on_each_change(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "gocardless", webhook_secrets=["w"])
    assert account.asks is False
    form = {"key": "access_token", "set.access_token": "token"}
    client.post(f"/settings/gateways/{account.id}/secrets", data=form)
    db.session.refresh(account)
    assert account.asks is True
    token = next(secret for secret in account.secrets if secret.key == "access_token")
    client.post(f"/settings/gateways/{account.id}/secrets/{token.id}/end", data={"when": "now"})
    db.session.refresh(account)
    assert account.asks is False


def test_switching_off_needs_a_reason_and_on_again_does_not(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    url = f"/settings/gateways/{account.id}"
    client.post(f"{url}/suspension", data={"why": " "})
    db.session.refresh(account)
    assert account.enabled
    client.post(f"{url}/suspension", data={"why": "stolen key"})
    db.session.refresh(account)
    assert not account.enabled
    assert "stolen key" in client.get("/activity").text
    assert "Switch Stripe on" in client.get(url).text
    client.post(f"{url}/resumption")
    db.session.refresh(account)
    assert account.enabled


ACTIONS = ("", "/secrets", "/secrets/1/end", "/suspension", "/resumption", "/tests", "/keys")
PAGES = (
    "/settings/gateways/new",
    "/settings/gateways/new/stripe",
    "/settings/gateways/new/stripe/address?slug=x",
    "/settings/gateways/1",
)


@pytest.mark.parametrize("role", [Role.viewer, Role.manager])
def test_only_admins_set_up(client: FlaskClient, role: Role) -> None:
    account = make_account()
    log_in(client, make_user(role, account.shop))
    assert [client.get(page).status_code for page in PAGES] == [403] * len(PAGES)
    assert {client.post(f"/settings/gateways/1{action}").status_code for action in ACTIONS} == {403}
    assert client.post("/settings/gateways/new/stripe").status_code == 403
    page = client.get("/settings").text
    assert account.title in page
    assert account.token not in page
    assert "/settings/gateways" not in page


def test_what_is_not_there_is_404(client: FlaskClient, shop: Shop) -> None:
    account, other = make_account(shop), make_account()
    foreign, callback = other.secrets[0].id, make_callback(other, message("x"))
    for address in (
        "/settings/gateways/99",
        "/settings/gateways/new/none",
        f"/settings/gateways/{account.id}/tests/99",
    ):
        assert client.get(address).status_code == 404
    assert client.get(f"/settings/gateways/{account.id}/tests/{callback.id}").status_code == 404
    assert client.get(f"/settings/gateways/{other.id}/tests/{callback.id}").status_code == 404  # not sent as a test
    assert client.post(f"/settings/gateways/{account.id}/secrets/{foreign}/end").status_code == 404
    assert client.post(f"/settings/gateways/{account.id}/secrets", data={"key": "order_key"}).status_code == 404


def test_another_shops_account_does_not_exist(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Admins see every shop today; the pages rely on what the user sees, not on that."""
    account, own = make_account(), make_shop()
    log_in(client, make_user(Role.owner))
    monkeypatch.setattr("shopcallbacks.shops.users.Shop.every", lambda: [db.session.get(Shop, own.id)])
    assert client.get(f"/settings/gateways/{account.id}").status_code == 404
    assert {client.post(f"/settings/gateways/{account.id}{action}").status_code for action in ACTIONS} == {404}


def test_a_secret_that_can_not_be_decrypted_is_no_crash(client: FlaskClient, shop: Shop, app: Flask) -> None:
    account = make_account(shop)
    db.session.add(
        Secret(account_id=account.id, key="signing_secrets", ciphertext=b"of another key", starts_at=utcnow())
    )
    db.session.commit()
    page = client.get(f"/settings/gateways/{account.id}")
    assert (page.status_code, "can&#39;t be decrypted" in page.text) == (200, True)


def turn_away(account: GatewayAccount, account_id: int | None, why: WrongCall, count: int, last: datetime) -> None:
    db.session.add(
        Refusal(shop_id=account.shop_id, account_id=account_id, why=why, count=count, first_at=utcnow(), last_at=last)
    )
    db.session.commit()


def test_calls_at_a_wrong_address_are_seen_on_the_accounts_page(shop: Shop, client: FlaskClient) -> None:
    account, other = make_account(shop), make_account(shop)
    last = utcnow().replace(hour=10, minute=2)
    turn_away(account, account.id, WrongCall.token, 14, last)
    turn_away(account, account.id, WrongCall.too_large, 1, last)
    page = words(client.get(f"/settings/gateways/{account.id}").text)
    assert "Called at a wrong address, with another token 14 times, last" in page
    assert "10:02" in page
    assert "Sent more than is taken at once 1 time, last" in page
    assert "wrong address" not in words(client.get(f"/settings/gateways/{other.id}").text)


def test_calls_at_no_accounts_address_are_seen_beside_all_accounts(shop: Shop, client: FlaskClient) -> None:
    account = make_account(shop)
    assert "that is none of these" not in words(client.get("/settings").text)
    turn_away(account, None, WrongCall.path, 3, utcnow())
    assert "Gateways called 3 times at an address of" in words(client.get("/settings").text)


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page).split())
