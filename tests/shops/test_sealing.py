"""Sealing: what is sealed for one place is read nowhere else, and everything can be moved to a new key."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from cryptography.fernet import Fernet
from flask import Flask

from shopcallbacks.extensions import db
from shopcallbacks.outgoing.alerts.rules import AlertRules, Style
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.sealing import Unreadable, is_sealed_anew, seal, unseal
from shopcallbacks.shops.secrets import SecretUnreadable

from ..factories import make_account, make_shop


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    """With one of everything that is sealed in its shop."""
    account = make_account()
    Endpoint.add(account.shop_id, "https://shop.example/hook?key=very-secret")
    SigningSecret.make(account.shop_id, Purpose.endpoint)
    rules = AlertRules.of(account.shop_id)
    rules.webhook, rules.webhook_style = "https://hooks.example/very-secret", Style.slack
    db.session.commit()
    return account


def sealed_long_ago(app: Flask, value: object) -> bytes:
    """As it was before what is sealed named its place."""
    return Fernet(app.config["SECRETS_KEYS"][-1]).encrypt(json.dumps(value).encode())


def flask(app: Flask, *words: str) -> Result:
    result = app.test_cli_runner().invoke(args=["secrets", *words])
    db.session.expire_all()
    return result


@pytest.fixture
def new_key(app: Flask, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """In front of the one that everything was sealed with."""
    key = Fernet.generate_key().decode()
    monkeypatch.setitem(app.config, "SECRETS_KEYS", [key, *app.config["SECRETS_KEYS"]])
    return key


@pytest.mark.usefixtures("app")
def test_what_is_sealed_for_one_place_is_not_read_at_another() -> None:
    sealed = seal({"a": 1}, "here")
    assert unseal(sealed, "here") == {"a": 1}
    with pytest.raises(Unreadable):
        unseal(sealed, "there")


@pytest.mark.parametrize("value", ["whsec_1", ["key", "salt"], {"public_key": "a", "private_key": "b"}])
def test_what_was_sealed_before_places_is_read_and_counts_as_old(app: Flask, value: object) -> None:
    sealed = sealed_long_ago(app, value)
    assert unseal(sealed, "anywhere") == value
    assert not is_sealed_anew(sealed, "anywhere")


def test_a_secret_copied_into_another_account_is_not_read_as_its_own(account: GatewayAccount) -> None:
    other = make_account(account.shop)
    other.secrets[0].ciphertext = account.secrets[0].ciphertext
    db.session.commit()
    with pytest.raises(SecretUnreadable):
        _ = other.secrets[0].value


def test_nor_one_copied_under_another_setting_of_the_account(account: GatewayAccount) -> None:
    account.secrets[0].key = "api_key"
    with pytest.raises(SecretUnreadable):
        _ = account.secrets[0].value


def test_the_address_of_an_endpoint_is_nowhere_in_the_table_in_plain(account: GatewayAccount) -> None:
    row = db.session.execute(db.text("SELECT endpoints::text FROM endpoints")).scalar_one()
    assert "shop.example" not in row
    assert b"very-secret" not in db.session.execute(db.text("SELECT url_sealed FROM endpoints")).scalar_one()
    found = Endpoint.of(account.shop_id)
    assert found is not None
    assert (found.url, found.host) == ("https://shop.example/hook?key=very-secret", "shop.example")


def test_all_is_sealed_anew_and_then_the_old_key_can_go(
    app: Flask, account: GatewayAccount, new_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.secrets[0].ciphertext = sealed_long_ago(app, "whsec_test")
    signing = SigningSecret.of(account.shop_id, Purpose.endpoint)[0].value
    db.session.commit()
    before = flask(app, "check").output.splitlines()
    assert [line.split()[-3:] for line in before[1:]] == [["0", "1", "0"]] * 4 + [["0", "0", "0"]]
    assert "All are sealed with the newest key" in flask(app, "reseal").output
    monkeypatch.setitem(app.config, "SECRETS_KEYS", [new_key])
    after = flask(app, "check")
    assert after.exit_code == 0
    assert [line.split()[-3:] for line in after.output.splitlines()[1:]] == [["1", "0", "0"]] * 4 + [["0", "0", "0"]]
    assert account.secrets[0].value == "whsec_test"
    assert SigningSecret.of(account.shop_id, Purpose.endpoint)[0].value == signing
    assert AlertRules.read(account.shop_id).webhook == "https://hooks.example/very-secret"
    found = Endpoint.of(account.shop_id)
    assert found is not None
    assert found.url == "https://shop.example/hook?key=very-secret"


def test_what_no_key_reads_is_told_and_left_as_it_is(app: Flask, account: GatewayAccount, new_key: str) -> None:
    lost = make_account(make_shop()).secrets[0]
    lost.ciphertext = b"of a key that is gone"
    db.session.commit()
    for word in ("check", "reseal"):
        told = flask(app, word)
        assert told.exit_code == 1
        assert "1 can't be read with SECRETS_KEY" in told.output
    assert lost.ciphertext == b"of a key that is gone"
    assert is_sealed_anew(account.secrets[0].ciphertext, account.secrets[0].place)
