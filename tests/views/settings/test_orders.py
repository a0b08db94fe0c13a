"""Settings > Orders: what the shop says of all its orders."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import OrderRules
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_order, make_shop, make_user

ADDRESS = "/settings/orders"


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.admin, shop))
    return shop


def test_what_an_admin_saves_holds_is_shown_again_and_is_kept_as_an_act(client: FlaskClient, shop: Shop) -> None:
    form = {"held": "15", "unit": "min", "parts": "1", "limit": "100", "currency": "eur"}
    assert client.post(ADDRESS, data=form).status_code == 303
    assert shop.order_rules == OrderRules(900, False, True, Money(10000, "EUR"))
    html = client.get(ADDRESS).text
    for piece in ('value="15"', '<option value="min" selected>', 'value="100.00"', 'value="EUR"'):
        assert piece in html
    act = db.session.scalars(select(Activity).where(Activity.verb == "settings")).one()
    assert act.what == (
        "orders: A refused payment cancels after (s) from 0 to 900, A payment reopens what a refusal cancelled from "
        "yes to no, Parts add up from no to yes, Only admins accept above from nothing to 100.00 EUR"
    )


def test_two_people_above_a_sum_and_the_shops_own_page_of_an_order(client: FlaskClient, shop: Shop) -> None:
    page = "https://shop.example/admin/orders/{number}"
    form = {"payment_reopens": "1", "second": "500", "second_currency": "eur", "order_page": page}
    assert client.post(ADDRESS, data=form).status_code == 303
    assert shop.order_rules == OrderRules(force_limit=Money(50000, "EUR"), order_page=page)
    html = client.get(ADDRESS).text
    assert ('value="500.00"' in html, f'value="{page}"' in html) == (True, True)
    order = make_order(shop, "A/1 ?")
    assert 'href="https://shop.example/admin/orders/A%2F1%20%3F"' in client.get(f"/orders/{order.id}").text


@pytest.mark.parametrize(
    "page",
    ["https://shop.example/orders", "javascript:alert({number})", "//shop.example/{number}", "https://{number}", "x"],
)
def test_a_page_of_an_order_is_an_address_with_its_number(client: FlaskClient, shop: Shop, page: str) -> None:
    answer = client.post(ADDRESS, data={"order_page": page})
    assert (answer.status_code, "must be an address with {number} in it" in answer.text) == (422, True)
    assert shop.order_page == ""


def test_what_is_saved_unchanged_is_no_act(client: FlaskClient, shop: Shop) -> None:
    client.post(ADDRESS, data={"held": "0", "unit": "s", "payment_reopens": "1", "limit": "", "currency": ""})
    assert "Nothing was changed." in client.get(ADDRESS).text
    assert db.session.scalars(select(Activity).where(Activity.verb == "settings")).all() == []


def test_all_problems_are_told_at_once_and_nothing_typed_is_lost(client: FlaskClient, shop: Shop) -> None:
    form = {"held": "31", "unit": "days", "parts": "1", "limit": "plenty", "currency": "EUR"}
    answer = client.post(ADDRESS, data={**form, "unit": "h", "held": "721"})
    assert (answer.status_code, "2 fields need another look" in answer.text) == (422, True)
    for piece in ("must be a whole number from 0 to 720", "must be an amount and a currency", 'value="plenty"', "721"):
        assert piece in answer.text
    assert shop.order_rules == OrderRules()


@pytest.mark.parametrize(("held", "unit"), [("-1", "s"), ("1.5", "min"), ("x", "s"), ("1", "years"), ("٣", "s")])
def test_a_length_is_a_whole_number_of_a_known_unit(client: FlaskClient, shop: Shop, held: str, unit: str) -> None:
    assert client.post(ADDRESS, data={"held": held, "unit": unit}).status_code == 422


def test_others_read_and_change_nothing(client: FlaskClient, shop: Shop) -> None:
    client.post("/logout")
    log_in(client, make_user(Role.manager, shop))
    assert "Only admins change this." in client.get(ADDRESS).text
    assert client.post(ADDRESS, data={"held": "1", "unit": "s"}).status_code == 403
    assert shop.order_rules == OrderRules()
