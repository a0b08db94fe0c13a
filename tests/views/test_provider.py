"""Logging in with an OpenID provider: a real one, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from shopcallbacks.config import OpenId
from shopcallbacks.extensions import db
from shopcallbacks.shops import people
from shopcallbacks.shops.provider import Provider as Ours
from shopcallbacks.shops.second_factor import SecondFactor
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, make_shop, make_user
from ..openid import CLIENT_ID, CLIENT_SECRET, Person, Provider, openid_provider

BACK = "http://127.0.0.1:5000/login/provider/back"


@pytest.fixture
def provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with openid_provider(BACK) as found:
        settings = OpenId(found.issuer, CLIENT_ID, CLIENT_SECRET, "Toys Inc.")
        monkeypatch.setitem(app.extensions, "provider", Ours(app, settings))
        yield found


@pytest.fixture
def user(provider: Provider) -> User:
    """Logged in at the provider."""
    user = make_user(Role.viewer, make_shop("toys"))
    provider.person = Person("subject-1", user.email)
    return user


def there(client: FlaskClient, next_: str = "") -> str:
    """To the provider, and the address with which it leads back."""
    asked = client.get("/login/provider", query_string={"next": next_})
    answer = requests.get(asked.location, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"]).removeprefix("http://127.0.0.1:5000")


def through(client: FlaskClient, next_: str = "") -> TestResponse:
    """The whole way."""
    return client.get(there(client, next_))


def test_who_is_known_by_e_mail_goes_in_and_is_known_by_their_subject_from_then_on(
    client: FlaskClient, provider: Provider, user: User
) -> None:
    assert "Log in with Toys Inc." in client.get("/login").text
    assert through(client, "/orders?a=b").location == "/orders?a=b"
    assert client.get("/orders").status_code == 200
    assert db.session.get_one(User, user.id).identity == f"{provider.issuer} subject-1"
    provider.person = Person("subject-1", "renamed@elsewhere.example", email_verified=False)
    assert through(other := client.application.test_client()).location == "/"
    assert other.get("/orders").status_code == 200


def refused(client: FlaskClient, answer: TestResponse) -> str:
    """The sentence on the log-in page; nobody is logged in."""
    assert answer.location == "/login"
    page = client.get("/login").text
    assert client.get("/orders").status_code == 303
    return page


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "subject-1", "email": "stranger@shop.example"},
        {"sub": "subject-1", "email_verified": False},
        {"sub": "subject-1", "email_verified": "true"},
        {"sub": "subject-1", "email": ""},
    ],
    ids=["an e-mail nobody has here", "not verified", "verified in words only", "none"],
)
def test_an_e_mail_that_is_not_verified_or_not_known_opens_nothing(
    client: FlaskClient, provider: Provider, user: User, person: dict[str, Any]
) -> None:
    provider.person = Person(**{"email": user.email, **person})
    assert "Ask an admin to invite you." in refused(client, through(client))
    assert db.session.get_one(User, user.id).identity is None


def test_another_subject_with_the_same_e_mail_is_somebody_else(
    client: FlaskClient, provider: Provider, user: User
) -> None:
    through(client.application.test_client())
    provider.person = Person("subject-2", user.email)
    assert "Ask an admin to invite you." in refused(client, through(client))


def test_whoever_is_switched_off_stays_out(client: FlaskClient, provider: Provider, user: User) -> None:
    user.set_active(False)
    db.session.commit()
    refused(client, through(client))


def test_who_is_invited_joins_without_a_password(client: FlaskClient, provider: Provider) -> None:
    for slug, role in (("toys", Role.admin), ("books", Role.viewer)):
        people.invite(None, "dana@shop.example", role, make_shop(slug))
    db.session.commit()
    provider.person = Person("subject-3", "Dana@shop.example", name="Dana")
    assert through(client).location == "/"
    dana = User.by_email("dana@shop.example")
    assert dana is not None
    assert (dana.name, {shop.slug: role for shop, role in dana.rights.items()}) == (
        "Dana",
        {"toys": Role.admin, "books": Role.viewer},
    )
    assert "You have none: you log in with your company" in client.get("/preferences").text
    for password in ("", "nobody", PASSWORD):
        assert (
            client.application.test_client()
            .post("/login", data={"email": dana.email, "password": password})
            .status_code
            == 422
        )


def test_the_second_factor_is_asked_for_here_too(client: FlaskClient, provider: Provider, user: User) -> None:
    secret = pyotp.random_base32()
    assert SecondFactor.begin(user, secret, pyotp.TOTP(secret).now()) is not None
    db.session.commit()
    assert through(client, "/orders").location == "/login/code?next=/orders"
    assert client.get("/orders").status_code == 303


def spoil(address: str, **query: str) -> str:
    parts = urlsplit(address)
    kept = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return f"{parts.path}?" + "&".join(f"{name}={value}" for name, value in {**kept, **query}.items())


@pytest.mark.parametrize("query", [{"state": "x"}, {"code": "x"}, {"error": "access_denied"}])
def test_what_was_not_asked_for_is_not_believed(
    client: FlaskClient, provider: Provider, user: User, query: dict[str, str]
) -> None:
    assert "did not say who you are" in refused(client, client.get(spoil(there(client), **query)))


def test_another_browser_can_not_use_an_answer_nor_the_same_one_twice(
    client: FlaskClient, provider: Provider, user: User
) -> None:
    address, other = there(client), client.application.test_client()
    refused(other, other.get(address))
    assert client.get(address).location == "/"
    client.post("/logout")
    refused(client, client.get(address))


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"aud": ["another"]}, {"exp": 1}, {"nonce": "x"}],
    ids=lambda one: min(one),
)
def test_a_token_that_is_not_for_us_is_not_believed(
    client: FlaskClient, provider: Provider, user: User, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert "did not say who you are" in refused(client, through(client))


def test_a_token_signed_with_another_key_is_not_believed(client: FlaskClient, provider: Provider, user: User) -> None:
    provider.publishes = RSAKey.generate_key(2048, {"kid": "one"})
    refused(client, through(client))


def test_a_provider_that_names_another_issuer_is_not_asked(client: FlaskClient, provider: Provider, user: User) -> None:
    provider.issuer = "https://evil.example"
    assert "could not be asked" in refused(client, client.get("/login/provider"))


def test_a_provider_that_is_away_is_a_sentence(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "provider", Ours(app, OpenId("http://127.0.0.1:9", "a", "b", "Toys Inc.")))
    assert "Toys Inc. could not be asked." in refused(client, client.get("/login/provider"))


def test_without_a_provider_there_is_neither_button_nor_address(client: FlaskClient) -> None:
    assert "/login/provider" not in client.get("/login").text
    assert [client.get(path).status_code for path in ("/login/provider", "/login/provider/back")] == [404, 404]
