"""Whatever a stranger, a user or a shop sends: an answer, and never one of 500 or more."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from shopcallbacks.domain.states import Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role

from .factories import (
    PASSWORD,
    log_in,
    make_account,
    make_callback,
    make_order,
    make_token,
    make_user,
    message,
    process,
)

COUNT, SEED = 5_000, 12
# Not sent: it would call PUBLIC_URL, which is nobody here.
LEFT_OUT = ("settings.trials.send",)

TEXTS = [
    *("", " ", "\x00", "a\x00b", "\ud800", "a\udfffb", "\n", "a\r\nSet-Cookie: x=1", "\t=1+1", "\x1b[31m", "\u202e"),
    *(
        "http://[",
        "//[",
        "//\u2100",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\\evil",
        "http://a:b@[::1]:99999/",
    ),
    *(
        "<script>alert(1)</script>",
        "{{7*7}}",
        "%s%n",
        "' OR 1=1 --",
        "../../etc/passwd",
        "%00",
        "%zz",
        "&=;",
        "\\",
        ":*",
    ),
    *("0", "-1", "1", "1.5", "1e999", "NaN", "null", "true", "\uff11\uff12", "\u0661", "9" * 18, "9" * 19, "9" * 5000),
    *(str(2**63 - 1), str(2**63), "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-26T10:00:00+00:00", "12:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-26T10:00:00", "2026-11-26T10:00:00+00:00~1"),
    *("~", "1~1", "1.1.0.0.0", "a" * 200, "a" * 3000, "\U0001f600" * 50, "\ufeff", "4111111111111111", "stripe," * 400),
    *(
        "stripe",
        "unprocessed",
        "all",
        "retry",
        "remove",
        "hours",
        "days",
        "shop",
        "1,2,3",
        "UTC",
        "Europe/Vienna",
        "!(",
    ),
]
RIGHT = {"email": "right@shop.example", "password": PASSWORD}
GOOD = [text for text in TEXTS if "\x00" not in text and text.isprintable()]
NAMES = (
    "account after all amount at back before body by callback callbackPW charset columns currency customer_email date "
    "digest_hours email filter former from handover_hour id kind known limit many mode money name next note number "
    "old_minutes only order over owed page part password per q reason recipients seen share shop shown silent since "
    "slug sort state stop_share tab text time_zone title to token unheard url verb waiting webhook webhook_style who "
    "why whole set.signing_secrets set.x book code new role sealed look second order_page"
).split()
BODIES = [
    *(b"", b"\x00", b"\xff\xfe", b"{", b"[1, 2]", b"null", b'"text"', b"1" * 6000, b"NaN", b"a=b&" * 5_000),
    *(b"[" * 100_000, b'{"a":' * 50_000, b"<a>" * 20_000, b'{"number": "1", "number": "2"}', b'{"number": "\\ud800"}'),
    *(
        json.dumps({"number": "1", "amount": "1.00", "currency": "EUR", **odd}).encode()
        for odd in (
            {"number": "a\x00b"},
            {"amount": "1e999999"},
            {"amount": "9e-9"},
            {"currency": "E\x00R"},
            {"gateway_account": "\udc00"},
            {"customer_email": "\x00"},
            {"\udc00": 1},
            {"test": []},
            {"number": {}},
        )
    ),
]
HEADERS = {
    "HX-Request": ["true", ""],
    "HX-Current-URL": TEXTS,
    "HX-History-Restore-Request": ["true"],
    "Referer": TEXTS,
    "Authorization": ["Bearer ", "Bearer \xff", "Basic !!", "bearer x y", "x"],
    "Content-Type": ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "a; charset=no"],
    "Accept-Language": ["\xff", "de-AT;q=x"],
    "If-Modified-Since": ["no", "Thu, 99 Jan 2026"],
    "If-None-Match": ['"', "*"],
    "Range": ["bytes=5-1", "bytes=-", "x"],
    "Cookie": ["session=\xff", "session=.e30.x.y", "session=" + "a" * 4000, ";;;"],
    "X-Forwarded-For": ["::", "a,b", "\xff"],
}
HOSTS = ["", "a" * 64, f"{'a' * 70}.example", "[::", "a b", "\xff", "x:99999", "..", "xn--\xff", "127.0.0.1:5000"]


def spelled(text: str) -> str:
    """Percent-encoded, halves of signs too."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


class Fuzzer:
    def __init__(self, app: Flask, ids: list[int], account: GatewayAccount) -> None:
        self.draw, self.texts = random.Random(SEED), TEXTS
        self.ids = [*map(str, ids), "0", str(2**63 - 1), str(2**63)]
        self.call = {"shop": account.shop.slug, "slug": account.slug, "token": account.token}
        self.rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in LEFT_OUT]

    def text(self) -> str:
        return self.draw.choice(self.texts) if self.draw.random() < 0.8 else self.draw.choice(self.ids)

    def path(self, rule: Rule) -> str:
        def value(found: re.Match[str]) -> str:
            if rule.endpoint == "receiving.receive" and self.draw.random() < 0.9:
                return self.call[found[1]]
            return self.draw.choice(self.ids) if "id" in found[1] else spelled(self.text()) or "x"

        return re.sub(r"<(?:\w+:)?(\w+)>", value, rule.rule)

    def fields(self, share: float) -> str:
        """As a query or a form has them: so many of all names."""
        names = [name for name in NAMES if self.draw.random() < (share if name != "shop" else 0.02)]
        return "&".join(f"{name}={spelled(self.text())}" for name in names)

    def each_field(self, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The text in each field of each address, one by one."""
        for rule, name in itertools.product(self.rules, NAMES):
            who = "program" if rule.rule.startswith("/api") else Role.admin
            sent: dict[str, Any] = {"path": self.path(rule), "query_string": f"{name}={spelled(text)}"}
            if "POST" in (rule.methods or ()):
                sent = {"path": sent["path"], "method": "POST", "data": {name: text}}
            yield who, sent

    def request(self) -> dict[str, Any]:
        rule, draw = self.draw.choice(self.rules), self.draw
        self.texts = TEXTS if draw.random() < 0.2 else GOOD  # else what is no text would hide what comes behind it
        method = (
            draw.choice(sorted(rule.methods or {"GET"}))
            if draw.random() < 0.95
            else draw.choice(["PUT", "DELETE", "PATCH"])
        )
        path = self.path(rule) if draw.random() < 0.97 else "/" + spelled(self.text())
        found: dict[str, Any] = {"path": path, "method": method, "query_string": self.fields(0.1)}
        names = draw.sample(sorted(HEADERS), draw.randint(0, 3))
        found["headers"] = [(name, _header(draw.choice(HEADERS[name]))) for name in names]
        if method == "POST":
            as_form = draw.random() < 0.7
            found["data"] = self.fields(0.3).encode() if as_form else draw.choice(BODIES)
            found["content_type"] = "application/x-www-form-urlencoded" if as_form else "application/json"
        if draw.random() < 0.05:
            found["environ_overrides"] = {"HTTP_HOST": draw.choice(HOSTS)}
        return found


def _header(text: str) -> str:
    """As a server hands it over: none holds a line's end, and each sign is a byte."""
    clean = "".join(sign for sign in text if sign not in "\r\n\x00")
    return clean.encode("utf-8", "surrogatepass").decode("latin-1")


@pytest.fixture
def actors(app: Flask, account: GatewayAccount) -> dict[str, FlaskClient]:
    """Nobody, a user of each role, and the shop's own program."""
    found = {"nobody": app.test_client()}
    for role in Role:
        shops = [] if role is Role.owner else [account.shop]
        found[role] = log_in(app.test_client(), make_user(role, *shops))
    make_user(Role.viewer, account.shop, email=RIGHT["email"])
    token = make_token(account.shop, *Scope)
    found["program"] = app.test_client()
    found["program"].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return found


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account(slug="stripe")


@pytest.fixture
def fuzzer(app: Flask, account: GatewayAccount) -> Fuzzer:
    ids = [make_callback(account, message(make_order(account.shop))).id for _ in range(3)]
    ids += [make_callback(account, message("nowhere")).id]
    process()
    return Fuzzer(app, ids, account)


def broken(clients: dict[str, FlaskClient], requests: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """The requests that were answered with 500 or more, and why."""
    found = []
    db.session.rollback()  # else it stands still meanwhile, for longer than the database bears
    for who, sent in requests:
        try:
            status = clients[who].open(**sent).status_code
        except Exception as error:  # what the server would answer with 500
            found.append(f"{who}: {sent!r:.500}: {error!r:.300}")
        else:
            found += [f"{who}: {sent!r:.500}: {status}"] if status >= 500 else []
    return found


def test_no_text_that_is_none_is_an_error_of_ours_in_whatever_field(
    actors: dict[str, FlaskClient], fuzzer: Fuzzer
) -> None:
    assert broken(actors, fuzzer.each_field("a\x00b")) == []


def test_no_request_is_an_error_of_ours(actors: dict[str, FlaskClient], fuzzer: Fuzzer) -> None:
    drawn = [(fuzzer.draw.choice(sorted(actors)), fuzzer.request()) for _ in range(COUNT)]
    drawn.sort(key=lambda one: "/people/" in one[1]["path"])  # last, for these keep others out
    assert broken(actors, (one for one in drawn if one[1]["path"] != "/logout" or one[0] == "nobody")) == []


@pytest.mark.parametrize(
    ("who", "status", "sent"),
    [
        ("nobody", 401, {"path": "/callbacks", "headers": {"HX-Request": "true", "HX-Current-URL": "http://["}}),
        ("nobody", 303, {"path": "/login", "method": "POST", "data": {"next": "http://[", **RIGHT}}),
        ("nobody", 303, {"path": "/login", "method": "POST", "data": {"next": "//[", **RIGHT}}),
        ("nobody", 303, {"path": "/login", "method": "POST", "data": {"next": "//\u2100", **RIGHT}}),
        ("nobody", 400, {"path": "/login", "method": "POST", "data": {"email": "\x00"}}),
        ("nobody", 400, {"path": "/", "environ_overrides": {"HTTP_HOST": "a" * 64}}),
        ("nobody", 400, {"path": "/static/site.css", "environ_overrides": {"HTTP_HOST": "a" * 64 + ".example"}}),
        ("nobody", 404, {"path": "/callbacks/a/b/%00"}),
        ("nobody", 404, {"path": "/settings/gateways/new/x%00"}),
        ("program", 422, {"path": "/api/orders", "method": "POST", "data": b"[" * 100_000}),
        ("program", 422, {"path": "/api/orders", "method": "POST", "data": b'{"gateway_account": "\\ud800"}'}),
        ("program", 404, {"path": "/api/orders/a%00b"}),
        ("manager", 303, {"path": "/orders/1/settlement", "method": "POST", "data": {"back": "http://[", "why": "x"}}),
        ("admin", 400, {"path": "/settings/gateways/1", "method": "POST", "data": {"title": "a\x00b"}}),
    ],
)
def test_what_once_was_an_error_of_ours_is_none(
    account: GatewayAccount, actors: dict[str, FlaskClient], who: str, status: int, sent: dict[str, Any]
) -> None:
    order = make_order(account.shop)
    paid = [make_callback(account, message(order)) for _ in range(2)]
    process()
    paid[1].do(Verb.owe, None, "twice")
    process()
    assert order.owed_minor
    assert actors[who].open(**sent).status_code == status
