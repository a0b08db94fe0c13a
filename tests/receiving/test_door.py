"""Where gateways call: everything is kept as it came, and the reply tells whether it is."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis as RedisClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from dev.services import Redis
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.too_large import Refusal
from shopcallbacks.domain.states import State
from shopcallbacks.extensions import Bell, db
from shopcallbacks.receiving.wire import received_headers

from ..factories import make_account, make_shop

LIMIT = 1024 * 1024


def stored() -> int:
    return db.session.scalar(select(func.count(Callback.id))) or 0


def test_a_callback_is_kept_as_it_came(client: FlaskClient) -> None:
    account = make_account()
    pairs = (("X-TWICE", "b"), ("X-TWICE", "a"), ("X-LATIN", "caf\xe9"))
    token = received_headers.set(pairs)
    try:
        response = client.post(account.callback_path + "?b=2&a=%ff", data=b"\x00\xff raw")
    finally:
        received_headers.reset(token)
    assert response.status_code == 200
    (callback,) = db.session.scalars(select(Callback))
    assert (callback.method, callback.query, callback.body) == ("POST", b"b=2&a=%ff", b"\x00\xff raw")
    assert (callback.state, callback.address) == (State.received, "127.0.0.1")
    assert callback.path.endswith(account.token)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary(max_size=2000), query=st.binary(max_size=100))
def test_any_bytes_are_kept(client: FlaskClient, body: bytes, query: bytes) -> None:
    account = (db.session.scalar(select(Callback.account_id)) and None) or make_account()
    quoted = query.decode("latin-1").replace("#", "%23").replace("?", "%3f")
    quoted = "".join(c if c.isprintable() and c.isascii() and c != " " else f"%{ord(c):02x}" for c in quoted)
    assert client.post(f"{account.callback_path}?{quoted}", data=body).status_code == 200
    last = db.session.scalars(select(Callback).order_by(Callback.id.desc()).limit(1)).one()
    assert last.body == body


def test_the_body_limit_is_exact_and_refusals_are_counted(client: FlaskClient) -> None:
    account = make_account()
    assert client.post(account.callback_path, data=b"x" * LIMIT).status_code == 200
    assert client.post(account.callback_path, data=b"x" * (LIMIT + 1)).status_code == 413
    assert client.post(account.callback_path, data=b"x" * (LIMIT + 1)).status_code == 413
    assert stored() == 1
    assert db.session.scalar(select(Refusal.count)) == 2


def test_a_body_without_a_length_is_not_cut_off_in_silence(client: FlaskClient) -> None:
    account = make_account()
    for extra, status in ((0, 200), (1, 413), (100_000, 413)):
        body = io.BytesIO(b"x" * (LIMIT + extra))
        environ = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        response = client.post(account.callback_path, environ_overrides=environ, content_length=None)
        assert response.status_code == status
    assert [len(body) for body in db.session.scalars(select(Callback.body))] == [LIMIT]


@pytest.mark.parametrize("part", ["shop", "slug", "token"])
def test_an_unknown_url_is_404_and_nothing_is_stored(client: FlaskClient, part: str) -> None:
    account = make_account()
    parts = {"shop": account.shop.slug, "slug": account.slug, "token": account.token, part: "other"}
    assert client.post("/callbacks/{shop}/{slug}/{token}".format(**parts)).status_code == 404
    assert stored() == 0


def test_an_account_of_another_shop_is_not_reached_by_its_slug(client: FlaskClient) -> None:
    account = make_account()
    other = make_shop()
    assert client.post(f"/callbacks/{other.slug}/{account.slug}/{account.token}").status_code == 404


def test_get_is_for_gateways_that_use_it(client: FlaskClient) -> None:
    account = make_account()
    response = client.get(account.callback_path)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert stored() == 0


def test_no_session_no_login_no_csrf(client: FlaskClient) -> None:
    response = client.post(make_account().callback_path, data=b"{}")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


def test_the_store_away_is_503_with_retry_after(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()

    def away(*args: object) -> int:
        raise OperationalError("", None, Exception("the server closed the connection"))

    monkeypatch.setattr(Callback, "receive", away)
    response = client.post(account.callback_path, data=b"{}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")


@pytest.fixture
def no_redis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bell whose Redis is away: nobody listens on the port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        lost = Bell(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")
        monkeypatch.setitem(app.extensions, "bell", lost)
        yield
        lost.close()


@pytest.mark.usefixtures("no_redis")
def test_redis_away_is_still_200_and_kept(client: FlaskClient) -> None:
    account = make_account()
    assert client.post(account.callback_path, data=b"{}").status_code == 200
    assert client.post(account.callback_path, data=b"{}").status_code == 200
    assert stored() == 2


def test_many_callbacks_ring_once(client: FlaskClient, redis_server: Redis) -> None:
    account = make_account()
    for _ in range(5):
        client.post(account.callback_path, data=b"{}")
    with RedisClient.from_url(redis_server.url) as redis:
        assert redis.llen("rq:queue:callbacks") == 1
        assert redis.llen("rq:queue:asking") == 0
