"""Where gateways call: everything is kept as it came, and the reply tells whether it is."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis as RedisClient
from sqlalchemy import func, select

from dev.services import Redis
from shopcallbacks.bells import Bell
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.refusals import Refusal
from shopcallbacks.callbacks.requests import KeptBody
from shopcallbacks.domain.states import State, WrongCall
from shopcallbacks.domain.values import Reply
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.receiving.line import Line
from shopcallbacks.receiving.wire import received_headers
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_shop, request_of
from ..gateways.vectors import OWN, load
from ..processes import until

CONFIG = {vector["gateway"]: vector["config"] for _, vector in load(OWN)}
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
    request = request_of(callback)
    assert (request.method, request.query, request.body) == ("POST", b"b=2&a=%ff", b"\x00\xff raw")
    assert (callback.state, request.address) == (State.received, "127.0.0.1")
    assert request.path.endswith(account.token)


def test_whose_address_it_is_is_read_once_for_all_that_ask_meanwhile(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, real, reads = make_account(), Line.run, []
    where = account.shop.slug, account.slug

    def run(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        reads.append(values)
        time.sleep(0.2)
        return real(self, statement, values)

    monkeypatch.setattr(Line, "run", run)
    monkeypatch.setattr("shopcallbacks.receiving.addresses.SECONDS", 60)
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: app.extensions["door"].addresses.find(*where), range(5)))
    assert {called.account.token for called in found} == {account.token}
    assert len(reads) == 1


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(body=st.binary(max_size=2000), query=st.binary(max_size=100))
def test_any_bytes_are_kept(client: FlaskClient, body: bytes, query: bytes) -> None:
    account = (db.session.scalar(select(Callback.account_id)) and None) or make_account()
    quoted = query.decode("latin-1").replace("#", "%23").replace("?", "%3f")
    quoted = "".join(c if c.isprintable() and c.isascii() and c != " " else f"%{ord(c):02x}" for c in quoted)
    assert client.post(f"{account.callback_path}?{quoted}", data=body).status_code == 200
    last = db.session.scalars(select(Callback).order_by(Callback.id.desc()).limit(1)).one()
    assert request_of(last).body == body


def test_the_body_limit_is_exact_and_refusals_are_counted(client: FlaskClient) -> None:
    account = make_account()
    assert client.post(account.callback_path, data=b"x" * LIMIT).status_code == 200
    assert client.post(account.callback_path, data=b"x" * (LIMIT + 1)).status_code == 413
    assert client.post(account.callback_path, data=b"x" * (LIMIT + 1)).status_code == 413
    assert stored() == 1
    until(lambda: turned_away(account) == {WrongCall.too_large: 2})


def test_a_body_without_a_length_is_not_cut_off_in_silence(client: FlaskClient) -> None:
    account = make_account()
    for extra, status in ((0, 200), (1, 413), (100_000, 413)):
        body = io.BytesIO(b"x" * (LIMIT + extra))
        environ = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        response = client.post(account.callback_path, environ_overrides=environ, content_length=None)
        assert response.status_code == status
    assert [len(body) for body in db.session.scalars(select(KeptBody.body))] == [LIMIT]


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


def away(*args: object) -> list[object]:
    raise psycopg.OperationalError("the server closed the connection")


def test_the_store_away_is_503_with_retry_after(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    assert client.post(account.callback_path, data=b"{}").status_code == 200  # the address is known now
    monkeypatch.setattr(Line, "run", away)
    response = client.post(account.callback_path, data=b"{}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert stored() == 1


def test_an_address_that_can_not_be_looked_up_is_503(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    monkeypatch.setattr(Line, "run", away)
    assert client.post(account.callback_path, data=b"{}").status_code == 503
    assert client.post(f"/callbacks/{account.shop.slug}/{account.slug}").status_code == 404


def test_it_is_kept_though_the_reply_breaks(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account(gateway="adyen", **CONFIG["adyen"])

    def broken(*args: object) -> Reply:
        assert stored() == 1  # by now it is
        raise RecursionError

    monkeypatch.setattr(type(account.gateway), "reply", broken)
    response = client.post(account.callback_path, data=b"{}")
    assert (response.status_code, response.data) == (200, b"")
    assert stored() == 1


def test_it_is_kept_though_the_bell_breaks(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Bell, "ring_soon", broken)
    assert client.post(make_account().callback_path, data=b"{}").status_code == 200
    assert stored() == 1


def test_it_is_kept_though_the_reply_is_no_reply(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    monkeypatch.setattr(type(account.gateway), "reply", lambda *args: None)
    assert client.post(account.callback_path, data=b"{}").status_code == 200
    assert stored() == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_is_kept_though_its_gateway_left_the_registry(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    account = make_account()
    monkeypatch.delitem(GATEWAYS, account.gateway_name)
    assert client.open(account.callback_path, method=method, data=b"{}").status_code == 200
    assert stored() == 1


def test_it_is_kept_though_the_secret_that_signs_the_reply_can_not_be_read(app: Flask, client: FlaskClient) -> None:
    account = make_account(gateway="braintree", **CONFIG["braintree"])
    for secret in account.secrets:
        secret.ciphertext = b"of a key that is gone"
    db.session.commit()
    assert client.post(account.callback_path, data=b"bt_payload=x").status_code == 200
    assert stored() == 1


def test_a_challenge_is_answered_with_the_secret(client: FlaskClient) -> None:
    account = make_account(gateway="braintree", **CONFIG["braintree"])
    said = client.get(account.callback_path + "?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53")
    assert said.status_code == 200
    assert said.data.startswith(CONFIG["braintree"]["keys"][0]["public_key"].encode() + b"|")
    assert stored() == 1


def test_a_new_token_is_known_in_a_moment_and_the_old_one_no_more(client: FlaskClient) -> None:
    account = make_account()
    former = account.callback_path
    assert client.post(former).status_code == 200
    account.token = "another-token"
    db.session.commit()
    until(lambda: client.post(account.callback_path).status_code == 200)
    assert client.post(former).status_code == 404


def test_an_account_that_is_added_is_known_in_a_moment(client: FlaskClient) -> None:
    shop = make_shop()
    assert client.post(f"/callbacks/{shop.slug}/main/x").status_code == 404
    account = make_account(shop, slug="main")
    until(lambda: client.post(account.callback_path).status_code == 200)


def test_a_new_secret_signs_the_reply_in_a_moment(client: FlaskClient) -> None:
    account = make_account(gateway="braintree", **CONFIG["braintree"])
    challenge = account.callback_path + "?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53"
    assert not client.get(challenge).data.startswith(b"new-key|")
    (setting,) = [one for one in account.gateway.settings if one.is_secret]
    account.add_secrets(setting, [{"public_key": "new-key", "private_key": "secret"}], None)
    db.session.commit()
    until(lambda: client.get(challenge).data.startswith(b"new-key|"))


def test_whether_the_gateway_is_asked_is_known_in_a_moment(client: FlaskClient) -> None:
    account = make_account()
    client.post(account.callback_path)
    account.asks = True
    db.session.commit()

    def asked() -> bool:
        client.post(account.callback_path)
        return db.session.scalars(select(Callback.asks).order_by(Callback.id.desc()).limit(1)).one()

    until(asked)


def test_a_slash_behind_the_address_is_taken(client: FlaskClient) -> None:
    account = make_account()
    assert client.post(account.callback_path + "/", data=b"{}").status_code == 200
    assert stored() == 1


def test_a_shop_whose_slug_is_a_number_is_called_like_any_other(client: FlaskClient) -> None:
    account = make_account(make_shop("2026"))
    assert client.post(account.callback_path, data=b"{}").status_code == 200
    assert client.post(account.callback_path + "/", data=b"{}").status_code == 200
    assert stored() == 2


def turned_away(account: GatewayAccount) -> dict[WrongCall, int]:
    db.session.rollback()
    return {one.why: one.count for one in Refusal.of_account(account)}


def test_calls_at_a_wrong_address_are_counted_by_what_is_wrong(client: FlaskClient) -> None:
    account = make_account()
    right, wrong = account.callback_path, f"/callbacks/{account.shop.slug}/{account.slug}"
    for path in (wrong, wrong + "/", right + "/more", right + "/more/of/it"):
        assert client.post(path).status_code == 404
    for token in ("x", "\u00fc", "%00", "a%0ab", "x" * 5000):
        assert client.post(f"{wrong}/{token}").status_code == 404
    for method in ("GET", "PUT", "PATCH", "OPTIONS", "HEAD"):
        assert client.open(right, method=method).status_code == 405
    until(lambda: turned_away(account) == {WrongCall.path: 4, WrongCall.token: 5, WrongCall.method: 5})
    assert stored() == 0


def test_what_is_below_a_shops_address_but_no_accounts_is_counted_for_the_shop(client: FlaskClient) -> None:
    account = make_account()
    for slug in ("other", "%00", "UPPER", "x" * 300):
        assert client.post(f"/callbacks/{account.shop.slug}/{slug}/{account.token}").status_code == 404

    def counted() -> int:
        db.session.rollback()
        found = Refusal.of_shop(account.shop)
        return found.count if found else 0

    until(lambda: counted() == 4)
    assert turned_away(account) == {}


@pytest.mark.parametrize("shop", ["nowhere", "%00", "%ff", "a%0ab", "-", "x" * 300])
def test_what_is_no_shops_address_is_404_and_nowhere_counted(client: FlaskClient, shop: str) -> None:
    make_account()
    assert client.post(f"/callbacks/{shop}/main/token").status_code == 404
    assert client.post(f"/callbacks/{shop}/main").status_code == 404
    assert db.session.scalar(select(func.count(Refusal.id))) == 0


def test_a_pages_address_is_still_a_page(client: FlaskClient) -> None:
    assert client.get("/callbacks/1/retry").status_code == 405
    assert client.get("/callbacks/1/evidence").status_code == 303  # to the log-in


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
        until(lambda: redis.llen("rq:queue:callbacks") == 1)
        assert redis.llen("rq:queue:asking") == 0
