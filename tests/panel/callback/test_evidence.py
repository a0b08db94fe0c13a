"""The evidence page: all about one callback, by names and exact times, with nothing that opens a door."""

from __future__ import annotations

import hashlib
import re

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.notes import Note
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Request
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ...factories import (
    SECRET,
    log_in,
    make_account,
    make_callback,
    make_order,
    make_user,
    message,
    process,
    request_of,
)


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account()


@pytest.fixture
def manager(account: GatewayAccount) -> User:
    user = make_user(Role.manager, account.shop)
    user.name = "Dana"
    db.session.commit()
    return user


@pytest.fixture
def reader(client: FlaskClient, manager: User) -> FlaskClient:
    return log_in(client, manager)


def raw(account: GatewayAccount, body: bytes, query: bytes = b"") -> Callback:
    headers = (("Content-Type", "text/plain"), ("Authorization", "Bearer very-secret-thing"))
    return make_callback(account, Request("POST", account.callback_path, query, headers, body, "203.0.113.9", utcnow()))


def page_of(client: FlaskClient, callback: Callback) -> str:
    response = client.get(f"/callbacks/{callback.id}/evidence")
    assert response.status_code == 200
    return response.text


def test_it_tells_what_came_and_what_became_of_it(reader: FlaskClient, account: GatewayAccount, manager: User) -> None:
    order = make_order(account.shop)
    first = make_callback(account, message(order))
    callback = make_callback(account, message(order, money=Money(1, "EUR")))
    process()
    callback.do(Verb.retry, manager, "once more")
    process()
    callback.do(Verb.remove, manager, "a <test>")
    Note.write(callback, manager, "They called.\nIt was a test.")
    db.session.commit()
    html = page_of(reader, callback)
    for part in (
        f"Evidence: callback {callback.id}",
        f"Made by Dana ({manager.email})",
        f"from {request_of(callback).address}",
        f"Order {order.number}",
        "59.90 EUR",
        f"callback {first.id}",
        "1. First attempt",
        "2. Retry by Dana",
        "once more",
        "removed as invalid",
        "a &lt;test&gt;",
        "They called.\nIt was a test.",
        "the same order",
        "took its evidence page",
    ):
        assert part in html, part
    assert "by you" not in html
    assert hashlib.sha256(request_of(callback).body).hexdigest() in html
    assert callback.digest.hex() in html
    assert "it is the same: nothing was changed since." in html


def test_what_opens_a_door_is_hidden_and_no_digest_helps_to_guess_it(
    reader: FlaskClient, account: GatewayAccount
) -> None:
    plain, secret, card = (
        raw(account, b"hello"),
        raw(account, b"key=" + SECRET.encode()),
        raw(account, b"", b"n=4111111111111111"),
    )
    process()
    html = page_of(reader, plain)
    assert hashlib.sha256(b"hello").hexdigest() in html
    assert account.token not in html
    assert "very-secret-thing" not in html
    for callback, hidden in ((secret, SECRET), (card, "4111111111111111")):
        html = page_of(reader, callback)
        assert hidden not in html
        assert callback.digest.hex() not in html
        assert "is kept, but not printed" in html


def test_that_it_was_taken_along_is_kept_and_moves_nothing(
    reader: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    callback = raw(account, b"hello")
    process()
    callback.do(Verb.remove, manager, "no")
    db.session.commit()
    seen = callback.version
    page_of(reader, callback)
    assert [(act.actor, act.verb) for act in Activity.about(callback.id)] == [("Dana", "remove"), ("Dana", "evidence")]
    assert "took its evidence page" in reader.get("/activity").text
    assert "Undo" in reader.get("/activity/mine").text
    assert callback.version == seen


@pytest.mark.parametrize(
    "body", [b"", b"\x89PNG\x00\xff", b"<a><b>1</b></a>", b"x" * 100_000, "Grüße".encode("latin-1")]
)
def test_any_body_can_be_put_on_paper(reader: FlaskClient, account: GatewayAccount, body: bytes) -> None:
    callback = raw(account, body)
    assert "No attempt yet" in page_of(reader, callback)
    process()
    assert "1. First attempt" in page_of(reader, callback)


def test_it_is_for_paper_no_address_no_script_no_other_style(reader: FlaskClient, account: GatewayAccount) -> None:
    callback = raw(account, b"hello")
    process()
    html = page_of(reader, callback)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html)
    main = html.partition("<main>")[2]
    assert "href" not in main
    assert "navbar" not in html


def test_the_page_leads_to_it_and_viewers_may_take_it_and_strangers_not(
    client: FlaskClient, account: GatewayAccount
) -> None:
    callback = raw(account, b"hello")
    process()
    log_in(client, make_user(Role.viewer, account.shop))
    assert f"/callbacks/{callback.id}/evidence" in client.get(f"/callbacks/{callback.id}").text
    page_of(client, callback)
    other = raw(make_account(), b"hello")
    assert client.get(f"/callbacks/{other.id}/evidence").status_code == 404
    assert Activity.about(other.id) == []
