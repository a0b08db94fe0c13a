"""The orders' screens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks import related
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return shop


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


def test_an_order_of_another_shop_is_not_there(client: FlaskClient, shop: Shop) -> None:
    assert client.get(f"/orders/{make_order(make_shop()).id}").status_code == 404


def test_only_a_link_to_what_exists(client: FlaskClient, shop: Shop) -> None:
    order = make_order(shop)
    order.created_at -= timedelta(days=400)
    db.session.commit()
    assert client.get("/orders/999999").status_code == 404
    assert client.get(f"/orders/{order.id}").status_code == 200
