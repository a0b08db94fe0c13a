"""What all screens share: the gate, the headers, and the page instead of a page."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import InternalError, OperationalError

from shopcallbacks.domain.values import Money
from shopcallbacks.receiving import door
from shopcallbacks.shops.users import Role
from shopcallbacks.views.screens import HEADERS, OPEN

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


def test_every_screen_needs_a_log_in(app: Flask, client: FlaskClient) -> None:
    screens = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] not in {*OPEN, "static"}]
    assert screens
    for rule in screens:
        with app.test_request_context():
            address = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in rule.methods & {"GET", "POST"}:
            response = client.open(address, method=method)
            assert response.status_code == 303, (method, address)
            assert response.location.startswith("/login"), (method, address)


def test_htmx_without_a_log_in_keeps_its_page_and_hears_why(client: FlaskClient) -> None:
    response = client.get("/queue", headers={"HX-Request": "true"})
    assert (response.status_code, response.text) == (401, "You are logged out. Nothing was done.")
    assert "HX-Redirect" not in response.headers


@pytest.mark.parametrize(
    ("came_from", "next_"),
    [
        ("http://localhost/callbacks?tab=all&q=a%20b", "?next=/callbacks?tab%3Dall%26q%3Da%2520b"),
        ("http://elsewhere.example/callbacks", ""),
        ("http://[", ""),
    ],
)
def test_a_form_without_a_log_in_leads_back_to_its_page_with_its_query(
    client: FlaskClient, came_from: str, next_: str
) -> None:
    response = client.post("/callbacks/1/removal", headers={"Referer": came_from})
    assert (response.status_code, response.location) == (303, f"/login{next_}")
    if next_:
        assert "You are logged out." in client.get(response.location).text


def test_an_open_page_learns_who_is_logged_in_now_and_the_token_of_their_forms(client: FlaskClient) -> None:
    assert client.get("/session").status_code == 401
    user = make_user(Role.viewer, make_shop())
    log_in(client, user)
    answer = client.get("/session")
    assert (answer.json["user"], len(answer.json["token"]) > 20) == (str(user.id), True)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/static/site.css", "/health", "/nowhere", "/api/orders"])
def test_every_answer_says_what_a_browser_may_do_with_it(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    response.close()
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert "Strict-Transport-Security" not in response.headers
    assert path.startswith("/static") or response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("wrong", ["", "x", "x/y"])
def test_a_gateways_answer_is_nothing_that_a_browser_would_use(client: FlaskClient, wrong: str) -> None:
    response = client.post(make_account().callback_path + wrong, data=b"{}")
    assert response.status_code == (404 if wrong else 200)
    assert {name: response.headers.getlist(name) for name in door.HEADERS} == {
        "Content-Security-Policy": ["default-src 'none'; frame-ancestors 'none'"],
        "X-Content-Type-Options": ["nosniff"],
        "Cache-Control": ["no-store"],
    }
    assert "Strict-Transport-Security" not in response.headers


def test_over_https_a_browser_comes_back_over_https_only(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    for path in ("/login", "/callbacks/no/such/token"):
        assert client.get(path).headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/callbacks?q=%00", "/login?next=a%00", "/?by=%00"])
def test_what_is_no_text_is_refused_before_any_screen_sees_it(client: FlaskClient, path: str) -> None:
    log_in(client, make_user(Role.admin, make_shop()))
    assert client.get(path).status_code == 400
    assert client.post("/views", data={"name": "a\x00b"}).status_code == 400


def test_a_page_of_an_error_needs_no_address_of_ours(client: FlaskClient) -> None:
    """Not even a Host that can be read."""
    response = client.get("/", environ_overrides={"HTTP_HOST": "a" * 64})
    assert response.status_code == 400
    assert "To the dashboard" in response.text


def test_a_screen_loads_nothing_from_elsewhere_and_stands_in_no_frame(client: FlaskClient) -> None:
    response = client.get("/login")
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert "HX-Request" in response.vary


def test_only_files_that_never_change_are_kept_by_a_browser(client: FlaskClient) -> None:
    with client.get("/static/vendor/htmx-4.0.1.min.js") as library, client.get("/static/site.css") as own:
        assert "immutable" in library.headers["Cache-Control"]
        assert "immutable" not in own.headers["Cache-Control"]


@pytest.mark.parametrize("address", "/ /orders /activity /settings /settings/endpoint /settings/alerts /login".split())
def test_no_page_holds_inline_script_or_style(client: FlaskClient, address: str) -> None:
    if address != "/login":
        log_in(client, make_user(Role.admin, make_account().shop))
    html = client.get(address).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", html)


def test_what_is_not_there_has_a_calm_page(client: FlaskClient) -> None:
    response = log_in(client, make_user(Role.viewer, make_shop())).get("/nowhere")
    assert (response.status_code, "There is nothing here" in response.text) == (404, True)


def test_htmx_gets_the_sentence_only(client: FlaskClient) -> None:
    log_in(client, make_user(Role.viewer, make_shop()))
    response = client.get("/orders/1", headers={"HX-Request": "true"})
    assert (response.status_code, response.content_type) == (404, "text/plain; charset=utf-8")
    assert response.text.startswith("There is nothing here. ")
    assert "<" not in response.text


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT 1", {}, Exception("connection refused")),
        InternalError("SELECT 1 FOR UPDATE", {}, ReadOnlySqlTransaction()),
    ],
    ids=["away", "takes reads only"],
)
def test_without_the_database_a_page_says_what_still_holds(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    log_in(client, make_user(Role.viewer, make_account().shop))

    def away(*args: object) -> None:
        raise error

    monkeypatch.setattr("shopcallbacks.views.orders.current_shop", away)
    response = client.get("/orders")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert "nothing is lost" in response.text


def test_another_shop_than_ones_own_is_not_there(client: FlaskClient) -> None:
    mine, other = make_shop(), make_shop()
    log_in(client, make_user(Role.manager, mine))
    assert client.get(f"/orders?shop={mine.slug}").status_code == 200
    assert client.get(f"/orders?shop={other.slug}").status_code == 404


def test_the_shop_stays_chosen(client: FlaskClient) -> None:
    first, second = make_shop("alpha"), make_shop("beta")
    log_in(client, make_user(Role.manager, first, second))
    client.get("/?shop=beta")
    assert '<summary class="shop"><span>Beta</span></summary>' in client.get("/orders").text


@pytest.mark.parametrize(
    "path",
    ["callbacks/{}", "callbacks/{}/row", "callbacks/{}/evidence", "orders/{}", "bulk/{}", "settings/gateways/{}"],
)
@pytest.mark.parametrize("id_", [2**63, 10**30, 2**63 - 1, 0])
def test_an_id_that_nothing_has_is_not_there(client: FlaskClient, path: str, id_: int) -> None:
    log_in(client, make_user(Role.admin, make_shop()))
    assert client.get("/" + path.format(id_)).status_code == 404


@pytest.mark.parametrize("place", [10**30, -(10**30), "x"])
@pytest.mark.parametrize("path", ["/activity", "/bulk", "/settings/endpoint"])
def test_a_place_that_nothing_has_is_left_out(client: FlaskClient, path: str, place: object) -> None:
    log_in(client, make_user(Role.admin, make_shop()))
    assert client.get(f"{path}?before={place}").status_code == 200


def test_the_tabs_title_carries_how_many_wait(client: FlaskClient) -> None:
    account = make_account()
    log_in(client, make_user(Role.viewer, account.shop))
    assert "<title>Orders ·" in client.get("/orders").text
    make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    assert "<title>(1) Orders ·" in client.get("/orders").text


def test_a_refusal_says_which_role_may_and_who_has_it(client: FlaskClient) -> None:
    shop = make_shop()
    manager = make_user(Role.manager, shop)
    make_user(Role.manager, make_shop(), email="stranger@shop.example")
    log_in(client, make_user(Role.viewer, shop))
    page = client.get("/bulk/new?verb=retry&all=1")
    assert page.status_code == 403
    assert f"This is for a manager or an admin of the shop; you are a viewer. Ask {manager.name}." in page.text
