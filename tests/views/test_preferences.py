"""Your settings: the password, and where one is logged in."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.extensions import db
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.sessions import UserSession
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, log_in, make_account, make_user

FIREFOX = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; rv:133.0) Gecko/20100101 Firefox/133.0"}
NEW = "lavender tractor sings"


@pytest.fixture
def user(client: FlaskClient) -> User:
    """Logged in."""
    user = make_user(Role.viewer, make_account().shop)
    log_in(client, user)
    return user


def change(client: FlaskClient, old: str = PASSWORD, new: str = NEW) -> int:
    return client.post("/preferences/password", data={"old": old, "new": new}).status_code


def last_act() -> Activity:
    return db.session.scalars(select(Activity).order_by(Activity.id.desc()).limit(1)).one()


def test_whoever_knows_the_old_password_takes_a_new_one(client: FlaskClient, user: User) -> None:
    assert change(client) == 303
    assert (user.fits(NEW), user.fits(PASSWORD)) == (True, False)
    assert (last_act().verb, last_act().user_id) == ("own password", user.id)
    assert "The password is changed" in client.get("/preferences").text


def test_a_new_password_ends_every_other_log_in_and_renews_this_one(client: FlaskClient, user: User) -> None:
    other, copied = (client.application.test_client() for _ in range(2))
    log_in(other, user)
    cookie = client.get_cookie("session")
    assert cookie is not None
    copied.set_cookie("session", cookie.value)
    change(client)
    assert [one.get("/orders").status_code for one in (client, other, copied)] == [200, 303, 303]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("wrong", NEW, "The old password is another one."),
        ("", NEW, "The old password is another one."),
        (PASSWORD, "short", "at least 10 characters"),
        (PASSWORD, "qwertyuiop", "too easy to guess"),
        (PASSWORD, "a viewer in the dark", "must not hold “viewer”"),
    ],
)
def test_what_does_not_do_is_a_sentence_and_changes_nothing(
    client: FlaskClient, user: User, old: str, new: str, sentence: str
) -> None:
    answer = client.post("/preferences/password", data={"old": old, "new": new})
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert user.fits(PASSWORD)
    assert client.get("/orders").status_code == 200


def test_the_old_password_is_not_guessed_at_an_open_screen(client: FlaskClient, user: User) -> None:
    assert [change(client, old=f"guess {number}") for number in range(6)] == [422] * 5 + [429]
    assert change(client) == 429


def test_one_sees_where_one_is_logged_in(client: FlaskClient, user: User) -> None:
    data = {"email": user.email, "password": PASSWORD}
    elsewhere = client.application.test_client()
    elsewhere.post("/login", data=data, headers=FIREFOX, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    log_in(client.application.test_client(), make_user(Role.viewer, *user.shops))
    page = client.get("/preferences").text
    assert "Firefox on Windows from 192.0.2.7" in page
    assert page.count("last seen") == 2
    assert page.count("<strong>this browser</strong>") == 1
    elsewhere.post("/logout")
    assert "Firefox on Windows" not in client.get("/preferences").text


def test_one_logs_out_everywhere(client: FlaskClient, user: User) -> None:
    elsewhere = log_in(client.application.test_client(), user)
    assert client.post("/preferences/sessions/ending").location == "/login"
    assert [one.get("/orders").status_code for one in (client, elsewhere)] == [303, 303]
    assert (last_act().verb, last_act().user_id) == ("log out everywhere", user.id)
    assert set(db.session.scalars(select(UserSession.ended_why))) == {"log-out everywhere"}
