"""Passwords are hashed one at a time, and who can't wait is told so."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from shopcallbacks.domain.errors import Busy
from shopcallbacks.extensions import db
from shopcallbacks.shops import hashing, people
from shopcallbacks.shops.hashing import in_turn
from shopcallbacks.shops.users import User

from ..factories import PASSWORD, make_user


@pytest.fixture
def user(client: FlaskClient) -> User:
    return make_user()


@pytest.fixture
def address(user: User) -> str:
    """Of a link for their new password."""
    address = urlsplit(people.password_link(None, user)).path
    db.session.commit()
    return address


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another has the turn, and keeps it."""
    monkeypatch.setattr(hashing, "WAIT_S", 0.01)
    monkeypatch.setattr(hashing, "_turn", threading.Lock())
    hashing._turn.acquire()


def test_what_it_does_comes_back_or_is_raised() -> None:
    assert in_turn(max, 1, 2) == 2
    assert in_turn(sorted, [1, 2], reverse=True) == [2, 1]
    with pytest.raises(ZeroDivisionError):
        in_turn(divmod, 1, 0)
    assert in_turn(max, 1, 2) == 2  # the turn is free again


@pytest.mark.usefixtures("busy")
def test_who_waits_too_long_is_told() -> None:
    with pytest.raises(Busy):
        in_turn(max, 1, 2)


def test_a_log_in_that_waits_too_long_is_503_and_no_failed_one(client: FlaskClient, user: User, busy: None) -> None:
    response = client.post("/login", data={"email": user.email, "password": PASSWORD})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_a_new_password_that_waits_too_long_is_503_and_leaves_its_link(
    client: FlaskClient, address: str, busy: None
) -> None:
    response = client.post(address, data={"new": "lavender tractor sings"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert client.get(address).status_code == 200
