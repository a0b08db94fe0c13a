"""What was typed into a plain form is kept where its writer was logged out meanwhile; it does nothing by itself."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.notes import Note
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.sessions import UserSession
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, log_in, make_account, make_callback, make_order, make_user, message, process

HERE = "http://localhost"


@pytest.fixture
def callback(client: FlaskClient) -> Callback:
    """It waits."""
    account = make_account()
    callback = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    return callback


@pytest.fixture
def dana(client: FlaskClient, callback: Callback) -> User:
    """Was logged in, and is no more."""
    dana = make_user(Role.manager, callback.account.shop)
    log_in(client, dana)
    client.get("/")
    db.session.execute(update(UserSession).values(ended_at=utcnow()))
    db.session.commit()
    return dana


def logs_in_again(client: FlaskClient, user: User, next_: str) -> str:
    """The page that follows."""
    answer = client.post("/login", data={"email": user.email, "password": PASSWORD, "next": next_})
    assert answer.location == next_
    return client.get(next_).text


@pytest.mark.parametrize(
    ("form", "address", "data"),
    [
        ("/callbacks/{id}?tab=all", "/callbacks/{id}/notes", {"text": "Rang them:\nthey paid"}),
        ("/callbacks/{id}/removal", "/callbacks/{id}/removal", {"why": "sent twice"}),
    ],
)
def test_it_stands_in_the_form_again_once_and_nothing_is_done(
    client: FlaskClient, callback: Callback, dana: User, form: str, address: str, data: dict[str, str]
) -> None:
    form, (words,) = form.format(id=callback.id), data.values()
    answer = client.post(address.format(id=callback.id), data=data, headers={"Referer": HERE + form})
    page = client.get(answer.location).text
    assert "with what you typed; nothing was done by it." in page
    assert words in logs_in_again(client, dana, form)
    assert words not in client.get(form).text
    db.session.refresh(callback)
    assert (callback.state, db.session.query(Note).count()) == (State.unprocessed, 0)


def test_somebody_else_does_not_see_it(client: FlaskClient, callback: Callback, dana: User) -> None:
    form = f"/callbacks/{callback.id}/removal"
    client.post(form, data={"why": "sent twice"}, headers={"Referer": HERE + form})
    assert "sent twice" not in logs_in_again(client, make_user(Role.manager, callback.account.shop), form)


def test_what_another_site_sends_is_not_kept(client: FlaskClient, callback: Callback, dana: User) -> None:
    form = f"/callbacks/{callback.id}/removal"
    client.post(form, data={"why": "sent twice"}, headers={"Referer": "https://evil.example" + form})
    assert "sent twice" not in logs_in_again(client, dana, form)
