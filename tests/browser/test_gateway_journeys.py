"""Adding a gateway to its end: found, set up, listened for."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role
from tests.factories import make_user, message

from .conftest import World, log_in


def test_a_gateway_is_found_set_up_with_its_address_and_heard_without_a_reload(page: Page, world: World) -> None:
    log_in(page, make_user(Role.admin, world.shop))
    page.goto("/settings/gateways/new")
    page.get_by_role("searchbox", name="Name of the gateway").fill("razor")
    expect(page.locator(".kind")).to_have_count(1)
    page.get_by_role("link", name="Razorpay").click()
    address = page.get_by_label("The account's address", exact=True)
    page.get_by_label("Part of its address").fill("cards")
    expect(address).to_have_value(re.compile("/cards/"))
    told = address.input_value()
    page.get_by_label("Webhook secrets").fill("a long secret")
    page.get_by_role("button", name="Add Razorpay").click()
    expect(page.get_by_label("Callback address of Razorpay", exact=True)).to_have_value(told)
    listening = page.locator("#listening")
    expect(listening).to_contain_text("Pay 1.00 by Razorpay")

    db.session.rollback()
    account = db.session.query(GatewayAccount).filter_by(shop_id=world.shop.id, slug="cards").one()
    world.call(account, message("no such order"))
    expect(listening).to_contain_text("It came, and was verified")
    expect(listening.get_by_role("link", name="look at it")).to_be_visible()
