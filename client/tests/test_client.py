"""The client against answers of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from shopcallbacks_client import Client, Invalid, NotFound, Refused, ShopcallbacksError, Unauthorized, Unavailable, api

ORDER = {
    **{"number": "26-1", "state": "temporary", "currency": "EUR", "test": False},
    **{"amount": "59.90", "paid": "0.00", "given_back": "0.00", "kept": "0.00", "need": "59.90", "owed": "0.00"},
}
Answer = httpx.Response | Exception


class Server:
    """Gives these answers one after the other, the last for ever, and notes what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds it would have waited."""
    found: list[float] = []
    monkeypatch.setattr(api.time, "sleep", found.append)
    return found


def client(server: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client("https://callbacks.example.com", "sc_1", transport=httpx.MockTransport(server))


def event(position: int) -> dict[str, Any]:
    about = {"kind": "opened", "order": "26-1", "from": "temporary", "to": "open", "transaction_id": "pi_1"}
    return {
        "position": str(position),
        "amount": "59.90",
        "currency": "EUR",
        "at": "2026-11-26T20:00:00+00:00",
        **about,
    }


def test_an_order_is_handed_in_as_the_api_wants_it() -> None:
    server = Server(httpx.Response(201, json=ORDER))
    order = client(server).hand_in("26-1", Decimal("59.90"), "EUR", customer_email="ann@example.com")
    (asked,) = server.asked
    assert (asked.method, asked.url.path, asked.headers["Authorization"]) == ("POST", "/api/orders", "Bearer sc_1")
    sent = {"number": "26-1", "amount": "59.90", "currency": "EUR", "customer_email": "ann@example.com", "test": False}
    assert json.loads(asked.content) == sent
    assert (order.state, order.need) == ("temporary", Decimal("59.90"))


def test_a_number_may_hold_whatever_a_shop_writes() -> None:
    server = Server(httpx.Response(200, json=ORDER))
    client(server).cancel("2026/11 #7?")
    for number in (".", ".."):
        client(server).order(number)
    paths = [asked.url.raw_path for asked in server.asked]
    assert paths == [b"/api/orders/2026%2F11%20%237%3F/cancel", b"/api/orders/%2E", b"/api/orders/%2E%2E"]


@pytest.mark.parametrize(
    "away", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(503)], ids=str
)
def test_what_is_not_answered_is_tried_again_under_the_same_key(away: Answer, waits: list[float]) -> None:
    server = Server(away, away, httpx.Response(201, json=ORDER))
    assert client(server).hand_in("26-1", Decimal(1), "EUR").number == "26-1"
    keys = {asked.headers["Idempotency-Key"] for asked in server.asked}
    assert (len(server.asked), len(keys)) == (3, 1)


def test_two_calls_have_two_keys_unless_the_shop_gives_its_own() -> None:
    server = Server(httpx.Response(201, json=ORDER))
    for key in (None, None, "mine"):
        client(server).hand_in("26-1", Decimal(1), "EUR", idempotency_key=key)
    first, second, own = (asked.headers["Idempotency-Key"] for asked in server.asked)
    assert first != second
    assert own == "mine"


def test_a_key_may_hold_whatever_a_shop_writes() -> None:
    server = Server(httpx.Response(201, json=ORDER))
    for key in ("Bestellung für Zoë", "order 26: 100%\n"):
        client(server).cancel("26-1", idempotency_key=key)
    sent = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert sent == ["Bestellung f%C3%BCr Zo%C3%AB", "order 26: 100%%0A"]


def test_it_comes_again_when_it_is_told_to(waits: list[float]) -> None:
    server = Server(httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, json=ORDER))
    client(server).order("26-1")
    assert waits == [0.0, 7.0]


def test_after_some_tries_it_gives_up_and_says_why(waits: list[float]) -> None:
    server = Server(httpx.ConnectError("refused"))
    with pytest.raises(Unavailable, match="ConnectError: refused"):
        client(server).order("26-1")
    assert len(server.asked) == 4
    assert waits == sorted(waits), "each wait is longer than the one before"


def problem(status: int, title: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "title": title, **more})


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (problem(401, "The bearer token is missing or not known."), Unauthorized, "bearer token"),
        (problem(404, "There is no order 26-1."), NotFound, "no order 26-1"),
        (problem(409, "It is paid.", order=ORDER), Refused, "It is paid"),
        (problem(422, "Bad.", errors=[{"field": "amount", "detail": "is needed"}]), Invalid, "amount is needed"),
        (problem(413, "Too large."), ShopcallbacksError, "Too large"),
        (problem(422, "The key was used."), Invalid, "The key was used"),
        (httpx.Response(200, text="<html>"), Unavailable, "is this the right address"),
        (httpx.Response(200, json={"status": "ok"}), Unavailable, "is this the right address"),
        (httpx.Response(200, json=ORDER | {"paid": "much"}), Unavailable, "is this the right address"),
        (httpx.Response(404, json=["not found"]), Unavailable, "is this the right address"),
        (problem(409, "Busy."), Unavailable, "is this the right address"),
        (problem(422, "Bad.", errors=None), Unavailable, "is this the right address"),
    ],
    ids="401 404 409 422 413 key-used no-JSON another's no-sum list no-order no-errors".split(),
)
def test_each_refusal_is_an_error_of_its_own(
    answer: httpx.Response, error: type[ShopcallbacksError], sentence: str
) -> None:
    server = Server(answer)
    with pytest.raises(error, match=sentence) as raised:
        client(server).cancel("26-1")
    assert len(server.asked) == 1, "a refusal stays one, however often it is asked"
    if isinstance(raised.value, Refused):
        assert raised.value.order.state == "temporary"
    if isinstance(raised.value, Invalid):
        assert raised.value.fields in ({"amount": "is needed"}, {})


def test_the_feed_is_read_page_by_page_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAGE", 2)
    pages = [[event(4), event(5)], [event(6)]]
    server = Server(*(httpx.Response(200, json={"events": page, "cursor": page[-1]["position"]}) for page in pages))
    events = list(client(server).events(after="3"))
    assert [asked.url.params["after"] for asked in server.asked] == ["3", "5"]
    assert [one.place for one in events] == [4, 5, 6]
    assert (events[0].from_, events[0].to, events[0].amount) == ("temporary", "open", Decimal("59.90"))
    assert events[0].at.tzinfo is not None
