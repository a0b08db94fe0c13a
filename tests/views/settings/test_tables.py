"""Settings that are tables: entered in fields, and the same as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_shop, make_user
from ...gateways.vectors import OWN, load
from ..pages import form_on

HMAC = {
    "secrets": ["s3cr3t-s3cr3t"],
    "signature": {"name": "X-Signature"},
    "fields": {"order_number": "/order", "amount": "/amount", "currency": "/currency", "status": "/status"},
    "statuses": {"ok": "paid"},
}
DESCRIBED = [name for name, gateway in GATEWAYS.items() if any(setting.in_fields for setting in gateway.settings)]
SECRETS = ("secrets", "public_keys")  # which are no tables
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    str((vector["gateway"], {key: value for key, value in vector["config"].items() if key not in SECRETS})): (
        vector["gateway"],
        vector["config"],
    )
    for _, vector in load(OWN)
    if vector["gateway"] in DESCRIBED
}


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.admin, shop))
    return shop


def open_form(client: FlaskClient, account: GatewayAccount) -> tuple[str, dict[str, list[str]]]:
    address = f"/settings/gateways/{account.id}"
    return address, form_on(client.get(address).text, address)


def saved(client: FlaskClient, address: str, form: dict[str, list[str]]) -> str:
    """The page that tells what was saved."""
    response = client.post(address, data=form)
    assert response.status_code == 303, response.text
    return client.get(response.location).text


def test_the_settings_of_every_vector_open_in_fields_and_are_saved_unchanged(client: FlaskClient, shop: Shop) -> None:
    assert {gateway for gateway, _ in CONFIGS.values()} == {"generic_hmac", "standardwebhooks"}
    for at, (gateway, config) in enumerate(CONFIGS.values()):
        account = make_account(shop, gateway, slug=f"one-{at}", **config)
        address, form = open_form(client, account)
        assert "json" not in form, config
        for setting in GATEWAYS[gateway].settings:
            if setting.in_fields:
                del form[f"set.{setting.key}"]  # so that it can only come from the fields
        assert "Nothing was changed." in saved(client, address, form), config
        db.session.refresh(account)
        wanted = complete(GATEWAYS[gateway], config)
        assert account.settings == {key: wanted[key] for key in account.settings}


def test_an_account_saved_by_json_with_nulls_opens_and_saves_unchanged(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    account.settings = account.settings | {"reply": {"status": 201, "body": None}}
    db.session.commit()
    address, form = open_form(client, account)
    assert "Nothing was changed." in saved(client, address, form)


def test_what_no_field_can_say_opens_as_json_and_is_kept(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC | {"statuses": {" ok ": "paid"}})
    address, form = open_form(client, account)
    assert form["json"] == ["1"]
    assert "Nothing was changed." in saved(client, address, form)
    db.session.refresh(account)
    assert account.settings["statuses"] == {" ok ": "paid"}


def test_all_faults_are_told_at_once_each_beside_its_field(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    address, form = open_form(client, account)
    form |= {
        "set.signature.name": [" "],
        "set.signature.template": ["{bodyy}"],
        "set.timestamp.tolerance": ["soon"],
        "set.fields.order_number": ["order"],
        "set.fields.currency": ["literal:"],
        "set.statuses.word": ["ok", "ok", "", "no"],
        "set.statuses.ours": ["paid", "failed", "paid", ""],
        "set.reply.status": ["500"],
    }
    response = client.post(address, data=form)
    assert response.status_code == 422
    for said in (
        "9 fields need another look",
        "Name: this is needed.",
        "What is signed: this names {bodyy}, which there is not; there is {body}, {timestamp}",
        "Allowed age, in seconds: this must be a whole number, 0 or more.",
        "Order number: this must begin with /, header: or literal:, as /data/order_id.",
        "Currency: this must say what it always is, as literal:EUR.",
        "ok: this stands there twice.",
        "This row: this has no word of the gateway.",
        "no: this is needed.",
        "HTTP status: this must be a whole number from 200 to 299.",
    ):
        assert said in response.text
    db.session.refresh(account)
    assert account.settings["statuses"] == {"ok": "paid"}
    typed = form_on(response.text, address)
    assert typed["set.signature.template"] == ["{bodyy}"]
    assert typed["set.statuses.word"][:2] == ["ok", "ok"]


def test_what_does_not_go_together_is_told_too(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    for change, said in (
        ({"name": "X Signature"}, "Name: this is no name of a header."),
        ({"template": "{timestamp}.{body}"}, "this names {timestamp}, but no setting says where the time stands"),
        ({"template": "{timestamp}"}, "this must cover {body} or a {field:Name}"),
        ({"place": "form", "name": "sig"}, "this can&#39;t name {body}: the signature itself stands in it"),
        ({"secret_encoding": "hex"}, "this does not fit: a secret can&#39;t be read as hex"),
    ):
        address, form = open_form(client, account)
        form |= {f"set.signature.{key}": [value] for key, value in change.items()}
        response = client.post(address, data=form)
        assert (response.status_code, said in response.text) == (422, True), said
        assert "1 field needs another look" in response.text


def test_json_counts_where_its_box_is_ticked_and_every_key_of_it_is_checked(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    address, form = open_form(client, account)
    form["set.signature"] = ['{"nam": "X-Signature", "encoding": "hexx"}']
    assert "Nothing was changed." in saved(client, address, form)
    form["json"] = ["1"]
    response = client.post(address, data=form)
    assert response.status_code == 422
    assert "Signature: this holds &#39;nam&#39;, which it does not know; it knows place, name" in response.text
    assert "Encoding: this must be one of hex, base64, base64url." in response.text
    form["set.signature"] = ['{"name": "X-Sign", "encoding": "base64"}']
    assert client.post(address, data=form).status_code == 303
    db.session.refresh(account)
    assert account.settings["signature"] == {"name": "X-Sign", "encoding": "base64"}


def test_fields_and_json_say_the_same_after_a_fault_in_either(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    address, form = open_form(client, account)
    by_fields = client.post(address, data=form | {"set.signature.name": ["X-Sign"], "set.fields.amount": ["a"]})
    assert json.loads(form_on(by_fields.text, address)["set.signature"][0]) == {"name": "X-Sign"}
    changed = {"json": ["1"], "set.signature": ['{"name": "X-Sign"}'], "set.fields": ["{}"]}
    by_json = client.post(address, data=form | changed)
    assert by_json.status_code == 422
    assert form_on(by_json.text, address)["set.signature.name"] == ["X-Sign"]


def test_more_rows_come_without_script_and_nothing_typed_is_lost(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, "generic_hmac", **HMAC)
    address, form = open_form(client, account)
    assert form["set.statuses.word"] == ["ok", "", ""]
    form["set.statuses.word"], form["set.statuses.ours"] = ["ok", "no", "later"], ["paid", "failed", "pending"]
    more = client.post(address, data=form | {"rows": ["set.statuses"], "title": ["Bank"]})
    assert more.status_code == 200
    typed = form_on(more.text, address)
    assert typed["set.statuses.word"] == ["ok", "no", "later"] + [""] * 6
    assert typed["title"] == ["Bank"]
    assert client.post(address, data=typed).status_code == 303
    db.session.refresh(account)
    assert account.settings["statuses"] == {"ok": "paid", "no": "failed", "later": "pending"}


def test_a_new_account_is_added_by_its_fields_alone(client: FlaskClient, shop: Shop) -> None:
    address = "/settings/gateways/new/generic_hmac"
    form = form_on(client.get(address).text, address) | {
        "set.secrets": ["s3cr3t-s3cr3t"],
        "set.signature.name": ["X-Hub-Signature-256"],
        "set.signature.prefix": ["sha256="],
        "set.fields.order_number": ["/order"],
        "set.fields.amount": ["/amount"],
        "set.fields.currency": ["literal:EUR"],
        "set.statuses.word": ["ok", "no"],
        "set.statuses.ours": ["paid", "failed"],
    }
    assert client.post(address, data=form | {"rows": ["set.statuses"]}).status_code == 200
    assert client.post(address, data=form).status_code == 303
    account = db.session.scalars(select(GatewayAccount)).one()
    assert account.settings["signature"] == {"name": "X-Hub-Signature-256", "prefix": "sha256="}
    assert account.settings["statuses"] == {"ok": "paid", "no": "failed"}
    assert account.settings["timestamp"] is None
