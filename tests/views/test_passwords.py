"""A new password for who can't log in."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from shopcallbacks.extensions import db
from shopcallbacks.shops import people
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, log_in, make_shop, make_user

NEW = "lavender tractor sings"


@pytest.fixture
def user(client: FlaskClient) -> User:
    return make_user(Role.viewer, make_shop())


@pytest.fixture
def address(user: User) -> str:
    address = people.password_link(None, user)
    db.session.commit()
    return urlsplit(address).path


def test_the_link_sets_a_password_once_and_logs_nobody_in(client: FlaskClient, user: User, address: str) -> None:
    elsewhere = log_in(client.application.test_client(), user)
    assert user.email in client.get(address).text
    answer = client.post(address, data={"new": NEW})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "The password is changed. Log in with it." in client.get("/login").text
    assert [one.get("/orders").status_code for one in (client, elsewhere)] == [303, 303]
    assert (user.fits(NEW), user.fits(PASSWORD)) == (True, False)
    assert [client.get(address).status_code, client.post(address, data={"new": PASSWORD}).status_code] == [410, 410]


def test_a_password_that_does_not_do_leaves_the_link(client: FlaskClient, user: User, address: str) -> None:
    refused = client.post(address, data={"new": "short"})
    assert (refused.status_code, "at least 10 characters" in refused.text) == (422, True)
    assert client.post(address, data={"new": NEW}).status_code == 303


def test_whoever_is_switched_off_gets_none(client: FlaskClient, user: User, address: str) -> None:
    user.set_active(False)
    db.session.commit()
    assert client.post(address, data={"new": NEW}).status_code == 410
    assert user.fits(PASSWORD)


@pytest.mark.parametrize("path", ["/passwords/1/x", "/passwords/x/x", "/invitations/1/x", f"/invitations/{2**70}/x"])
def test_what_is_no_link_opens_nothing(client: FlaskClient, address: str, path: str) -> None:
    assert client.get(path).status_code == 410
