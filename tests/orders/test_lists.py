"""The orders' list and page."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.domain.states import OrderState
from shopcallbacks.extensions import db
from shopcallbacks.orders import lists
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role

from ..factories import log_in, made_at, make_order, make_shop, make_user


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


def test_the_list_goes_on_from_page_to_page_without_a_gap(shop: Shop) -> None:
    orders = [make_order(shop) for _ in range(5)]
    made_at(orders[1], orders[2].created_at)  # the same moment
    seen, after = [], None
    for _ in range(3):
        page = lists.newest(shop.id, None, after, per=2)
        seen += [order.id for order in page.orders]
        after = page.after
    assert after is None
    assert sorted(seen) == [order.id for order in orders]


@pytest.mark.parametrize("after", ["x", "2026-11-23T00:00:00~1", "2026-11-23T00:00:00+00:00~" + "9" * 30])
@pytest.mark.parametrize("only", ["", "owed=1&", "unheard=1&"])
def test_a_place_that_no_page_has_written_is_the_start(client: FlaskClient, shop: Shop, only: str, after: str) -> None:
    make_order(shop)
    assert client.get(f"/orders?{only}after={after.replace('+', '%2B')}").status_code == 200


def test_a_state_and_the_start_of_a_number_narrow_it(client: FlaskClient, shop: Shop) -> None:
    for number in ("A-1", "A-2", "B-1"):
        make_order(shop, number)
    cancelled = make_order(shop, "A-3")
    cancelled.state = OrderState.cancelled
    db.session.commit()
    assert [o.number for o in lists.numbered(shop.id, "A-", None, None).orders] == ["A-1", "A-2", "A-3"]
    html = client.get("/orders?number=A-&state=cancelled").text
    assert ("A-3" in html, "A-1" in html, "B-1" in html) == (True, False, False)
