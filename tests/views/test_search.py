"""The one search: orders, customers, transactions and callbacks, each with its state."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.domain.values import Money
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose viewer is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return make_account(shop)


@pytest.fixture
def order(account: GatewayAccount) -> Order:
    """Paid, by a customer who is known."""
    order = make_order(account.shop, customer_email="Chloe.Martin@example.com")
    make_callback(account, message(order, transaction_id="pi_chloe"))
    make_order(account.shop, customer_email="ben@example.com")
    process()
    return order


@pytest.mark.parametrize("what", ["number", "customer", "transaction", "start"])
def test_an_order_is_found_by_number_customer_and_transaction_with_its_state(
    client: FlaskClient, order: Order, what: str
) -> None:
    number = order.number
    q = {"number": number, "customer": "chloe.martin@EXAMPLE.com", "transaction": "pi_chloe", "start": number[:-1]}[
        what
    ]
    html = client.get("/search", query_string={"q": q}).text
    assert f'href="/orders/{order.id}"' in html
    assert "> open" in html.split('id="found-callbacks"')[0]
    assert "ben@example.com" not in html or what == "start"


def test_callbacks_are_found_with_their_state_and_counted_by_tab(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    make_callback(account, message(order, money=Money(599, "EUR")))
    process()
    html = client.get("/search?q=5,99").text
    assert "Amount differs from the order" in html
    assert "tab=unprocessed&amp;q=5,99" in html
    assert "tab=processed" not in html


def test_what_another_shop_has_is_not_found(client: FlaskClient, account: GatewayAccount) -> None:
    stranger = make_order(make_shop(), customer_email="chloe@example.com")
    for q in (stranger.number, "chloe@example.com"):
        assert f"Nothing fits “{q}”" in client.get("/search", query_string={"q": q}).text


def test_orders_are_listed_by_the_customers_address_too(client: FlaskClient, order: Order) -> None:
    html = client.get("/orders?number=chloe.martin@example.com").text
    assert order.number in html
    assert "ben@example.com" not in html
    assert "No order of “nobody@example.com”" in client.get("/orders?number=nobody@example.com").text


def test_what_can_not_be_looked_for_is_told_and_nothing_asked_for_is_explained(
    client: FlaskClient, account: GatewayAccount
) -> None:
    assert "up to 200 letters" in client.get("/search", query_string={"q": "x" * 201}).text
    assert "an e-mail address" in client.get("/search").text


def test_a_screen_has_one_search_box_and_the_list_shows_what_it_looked_for_as_a_chip(
    client: FlaskClient, account: GatewayAccount
) -> None:
    for address in ("/", "/callbacks", "/callbacks/causes", "/search?q=5,99"):
        assert client.get(address).text.count('type="search"') == 1
    assert "“5,99” " in client.get("/callbacks?tab=all&q=5,99").text.partition('class="chip"')[2]
