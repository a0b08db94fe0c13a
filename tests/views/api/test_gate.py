"""What every call passes: the token's scope and its pace; and problem+json, whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.shops.counters import Counters
from shopcallbacks.shops.pace import Pace
from shopcallbacks.shops.tokens import ApiToken, Scope

from ...factories import make_shop, make_token

Call = Callable[..., int]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


CALLS = {
    ("GET", "/api/orders/1"): Scope.orders,
    ("POST", "/api/orders"): Scope.orders,
    ("POST", "/api/orders/1/cancel"): Scope.orders,
    ("GET", "/api/events"): Scope.feed,
    ("GET", "/api/callbacks"): Scope.read,
    ("GET", "/api/callbacks/1"): Scope.read,
    ("POST", "/api/callbacks/1/remove"): Scope.act,
}


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_may_what_its_scope_says_and_nothing_else(client: FlaskClient, scope: Scope) -> None:
    headers = bearer(make_token(make_shop(), scope))
    opened = {
        call for call in CALLS if client.open(call[1], method=call[0], headers=headers, json={}).status_code != 403
    }
    assert opened == {call for call, needed in CALLS.items() if needed is scope}


def test_a_token_that_lacks_a_scope_hears_which(client: FlaskClient) -> None:
    refused = client.get("/api/events", headers=bearer(make_token(make_shop(), Scope.orders)))
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="feed"'
    assert "lacks the scope feed" in refused.json["title"]


def test_a_token_that_has_ended_opens_nothing(client: FlaskClient) -> None:
    token, text = ApiToken.add(make_shop(), "till", list(Scope), None)
    token.end(utcnow(), None)
    db.session.commit()
    assert {client.open(path, method=how, headers=bearer(text)).status_code for how, path in CALLS} == {401}


@pytest.fixture
def slow(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token may make three calls a minute."""
    monkeypatch.setitem(app.extensions, "pace", Pace(app.extensions["counters"], 3))


@pytest.mark.usefixtures("slow")
def test_a_token_that_calls_too_fast_waits_and_others_do_not(client: FlaskClient) -> None:
    shop = make_shop()
    fast, other = (bearer(make_token(shop, Scope.feed)) for _ in range(2))
    answers = [client.get("/api/events", headers=fast) for _ in range(8)]
    assert {answer.status_code for answer in answers[:3]} == {200}
    held = next(answer for answer in answers if answer.status_code == 429)
    assert held.mimetype == "application/problem+json"
    assert 0 < int(held.headers["Retry-After"]) <= 60
    assert held.headers["RateLimit-Policy"] == '"token";q=3;w=60'
    assert held.headers["RateLimit"].startswith('"token";r=0;t=')
    assert client.get("/api/events", headers=other).headers["RateLimit"].startswith('"token";r=2;t=')


def test_with_redis_away_nobody_is_held_back(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters("redis://127.0.0.1:1/0")
    monkeypatch.setitem(app.extensions, "pace", Pace(counters, 1))
    headers = bearer(make_token(make_shop(), Scope.feed))
    answers = [client.get("/api/events", headers=headers) for _ in range(3)]
    assert {(answer.status_code, "RateLimit" in answer.headers) for answer in answers} == {(200, False)}
    counters.close()


def test_without_a_limit_nothing_is_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Pace(app.extensions["counters"], 0).count(1) is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/nowhere", 404),
        ("DELETE", "/api/orders/1", 405),
        ("PUT", "/api/events", 405),
        ("POST", "/api/openapi.json", 405),
        ("GET", "/api/callbacks/999999999999999999999", 404),
        ("POST", "/api/callbacks/1/vanish", 404),
        ("GET", "/api/events?after=%00", 400),
        ("POST", "/api/orders", 422),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{", b"<a/>", b"\xff"])
def test_whatever_is_wrong_is_answered_as_a_problem(
    client: FlaskClient, method: str, path: str, status: int, body: bytes
) -> None:
    headers = bearer(make_token(make_shop(), *Scope))
    response = client.open(path, method=method, data=body, content_type="text/xml", headers=headers)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert (response.json["status"], bool(response.json["title"])) == (status, True)
    assert "html" not in response.text


def test_a_body_that_is_too_large_is_a_problem(client: FlaskClient) -> None:
    headers = bearer(make_token(make_shop(), *Scope))
    response = client.post("/api/orders", data=b"x" * (2 * 1024 * 1024 + 1), headers=headers)
    assert (response.status_code, response.mimetype) == (413, "application/problem+json")
