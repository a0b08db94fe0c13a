"""Logging in and out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks import create_app
from shopcallbacks.extensions import db, limiter
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role
from shopcallbacks.views.sessions import own_path

from ..factories import PASSWORD, log_in, make_shop, make_user


def test_a_user_logs_in_and_comes_back_to_where_they_wanted_to_go(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    response = client.post("/login", data={"email": user.email.upper(), "password": PASSWORD, "next": "/orders?a=b"})
    assert (response.status_code, response.location) == (303, "/orders?a=b")
    assert client.get("/orders").status_code == 200
    assert client.get("/login").location == "/"


def test_a_wrong_password_is_a_sentence_and_kept(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    response = client.post("/login", data={"email": user.email, "password": "wrong"})
    assert response.status_code == 422
    assert "do not fit together" in response.text
    act = db.session.scalars(select(Activity)).one()
    assert (act.verb, act.user_id, act.what) == ("failed log-in", user.id, f"{user.email} from 127.0.0.1")


def test_an_unknown_user_hears_the_same_as_a_wrong_password(client: FlaskClient) -> None:
    response = client.post("/login", data={"email": "nobody@shop.example", "password": PASSWORD})
    assert (response.status_code, "do not fit together" in response.text) == (422, True)


def test_whoever_is_switched_off_neither_logs_in_nor_stays_in(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    log_in(client, user)
    user.active = False
    db.session.commit()
    assert client.get("/orders").status_code == 303
    assert client.post("/login", data={"email": user.email, "password": PASSWORD}).status_code == 422


def test_logging_in_keeps_nothing_of_the_session_before(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    log_in(client, make_user(Role.manager, make_shop()))
    with client.session_transaction() as session:
        assert "planted" not in session


def test_logging_out_is_a_post_and_ends_it(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").location == "/login"
    assert client.get("/orders").status_code == 303


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\nb", "javascript:alert(1)"]
)
def test_one_comes_back_to_own_paths_only(path: str) -> None:
    assert own_path(path) is None


@pytest.fixture
def guarded(environ: dict[str, str], app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The app as it runs: its forms guarded, its tries counted."""
    monkeypatch.setattr(limiter, "enabled", limiter.enabled)  # switched on below, for this test only
    guarded = create_app(environ, TESTING=True, RATELIMIT_ENABLED=True)
    yield guarded
    with guarded.app_context():
        db.engine.dispose()


def test_a_form_without_its_token_is_not_taken(guarded: Flask) -> None:
    response = guarded.test_client().post("/login", data={"email": "a@shop.example", "password": PASSWORD})
    assert (response.status_code, "open too long" in response.text) == (400, True)


def test_the_eleventh_try_in_a_minute_has_to_wait(guarded: Flask) -> None:
    guarded.config["WTF_CSRF_ENABLED"] = False
    client, data = guarded.test_client(), {"email": "a@shop.example", "password": "wrong"}
    answers = [client.post("/login", data=data).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert client.post("/login", data=data, environ_base=elsewhere).status_code == 429, "counted by e-mail too"
    other = {**data, "email": "b@shop.example"}
    assert client.post("/login", data=other, environ_base=elsewhere).status_code == 422
