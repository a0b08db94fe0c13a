"""The list of what people did."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.extensions import db
from shopcallbacks.shops import people
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role
from shopcallbacks.views import activity

from ..factories import log_in, make_shop, make_user


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return shop


def act(shop: Shop, why: str) -> None:
    Activity.record("remove", make_user(Role.manager, shop), shop_id=shop.id, why=why)
    db.session.commit()


def test_who_did_what_and_why_newest_first(client: FlaskClient, shop: Shop) -> None:
    act(shop, "first reason")
    act(shop, "<b>second</b> reason")
    html = client.get("/activity").text
    assert html.index("&lt;b&gt;second") < html.index("first reason")
    assert "Manager Person" in html
    assert "removed as invalid" in html


def test_older_ones_are_a_page_further(client: FlaskClient, shop: Shop) -> None:
    for number in range(activity.PAGE + 1):
        act(shop, f"reason no {number}.")
    newest = client.get("/activity").text
    assert ("reason no 1." in newest, "reason no 0." in newest, "Older" in newest) == (True, False, True)
    before = newest.rpartition("before=")[2].partition('"')[0]
    assert "reason no 0." in client.get(f"/activity?before={before}").text


def test_another_shops_acts_are_not_shown(client: FlaskClient, shop: Shop) -> None:
    act(make_shop(), "not for you")
    assert "not for you" not in client.get("/activity").text


def test_what_owners_do_about_other_shops_is_shown_to_owners_only(client: FlaskClient, shop: Shop) -> None:
    owner, other, third, elsewhere = *(make_user(Role.owner) for _ in range(3)), make_shop("elsewhere")
    people.end_ownership(owner, other, {shop: Role.viewer, elsewhere: Role.admin})
    people.invite(owner, "boss@elsewhere.example", Role.owner, None)
    people.switch_off(owner, third, "left elsewhere")
    Activity.record("log in", owner, what="from ::1")
    db.session.commit()
    for path in ("/activity", "/activity/csv"):
        told = client.get(path).text
        assert "elsewhere" not in told, path
        assert f"{other.email}: from owner of every shop to viewer in {shop.slug}" in told, path
        assert "from ::1" in told, path
    told = log_in(client, owner).get("/activity?shop=elsewhere").text
    for part in ("to admin in elsewhere", "boss@elsewhere.example", "left elsewhere"):
        assert part in told
