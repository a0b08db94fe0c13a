"""The orders' list and page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks import related
from shopcallbacks.domain.states import OrderState
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders import lists
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role

from ..factories import (
    log_in,
    made_at,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
)


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return shop


def test_the_newest_come_first_and_only_of_the_own_shop(client: FlaskClient, shop: Shop) -> None:
    old, new, other = make_order(shop), make_order(shop), make_order(make_shop())
    html = client.get("/orders").text
    assert html.index(new.number) < html.index(old.number)
    assert other.number not in html


def test_the_list_goes_on_from_page_to_page_without_a_gap(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    orders = [make_order(shop) for _ in range(5)]
    made_at(orders[1], orders[2].created_at)  # the same moment
    seen, after = [], None
    for _ in range(3):
        page = lists.newest(shop.id, None, after)
        seen += [order.id for order in page.orders]
        after = page.after
    assert after is None
    assert sorted(seen) == [order.id for order in orders]


def test_a_state_and_the_start_of_a_number_narrow_it(client: FlaskClient, shop: Shop) -> None:
    for number in ("A-1", "A-2", "B-1"):
        make_order(shop, number)
    cancelled = make_order(shop, "A-3")
    cancelled.state = OrderState.cancelled
    db.session.commit()
    assert [o.number for o in lists.numbered(shop.id, "A-", None, None).orders] == ["A-1", "A-2", "A-3"]
    html = client.get("/orders?number=A-&state=cancelled").text
    assert ("A-3" in html, "A-1" in html, "B-1" in html) == (True, False, False)


@pytest.mark.parametrize(
    "query", ["state=nonsense", "after=nonsense", "after=2025~x", "number=%25", "after=2025-01-01~1"]
)
def test_a_bad_address_is_no_error(client: FlaskClient, shop: Shop, query: str) -> None:
    assert client.get(f"/orders?{query}").status_code == 200


def test_nothing_found_says_what_was_looked_for(client: FlaskClient, shop: Shop) -> None:
    html = client.get("/orders?number=zzz&state=open").text
    assert "No open order whose number starts with “zzz”." in html


def test_a_page_tells_of_payments_story_and_callbacks(client: FlaskClient, shop: Shop) -> None:
    order = make_order(shop)
    callback = make_callback(make_account(shop), message(order, transaction_id="pi_77"))
    late = make_callback(make_account(shop), message(order, Outcome.pending))
    process()
    html = client.get(f"/orders/{order.id}").text
    for piece in ("paid <span", "pi_77", "Order came in", "<strong>open</strong>", "Processed: order opened"):
        assert piece in html
    assert [found.id for found in related.callbacks_about(order)] == [late.id, callback.id]


def test_a_callback_that_came_before_its_order_is_there_too(shop: Shop) -> None:
    callback = make_callback(make_account(shop), message("251123-77"))
    process()
    order = make_order(shop, "251123-77")
    assert [found.id for found in related.callbacks_about(order)] == [callback.id]


def test_an_order_of_another_shop_is_not_there(client: FlaskClient, shop: Shop) -> None:
    assert client.get(f"/orders/{make_order(make_shop()).id}").status_code == 404


def test_only_a_link_to_what_exists(client: FlaskClient, shop: Shop) -> None:
    order = make_order(shop)
    made_at(order, order.created_at - timedelta(days=400))
    assert client.get("/orders/999999").status_code == 404
    assert client.get(f"/orders/{order.id}").status_code == 200
