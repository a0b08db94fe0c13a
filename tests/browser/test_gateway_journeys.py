"""Adding a gateway to its end: found, set up, listened for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dev.simulator import SimulatedGateways
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Answer
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Mode
from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_user, message

from .conftest import World, held_up, htmx_there, log_in


def test_a_gateway_is_found_set_up_with_its_address_and_heard_without_a_reload(page: Page, world: World) -> None:
    log_in(page, make_user(Role.admin, world.shop))
    page.goto("/settings/gateways/new")
    page.get_by_role("searchbox", name="Name of the gateway").fill("razor")
    expect(page.locator(".kind")).to_have_count(1)
    page.get_by_role("link", name="Razorpay").click()
    expect(page.get_by_label("Part of its address")).to_be_visible()
    htmx_there(page)
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


def test_a_test_account_goes_live_with_a_live_key_that_the_gateway_takes(
    page: Page, world: World, gateways: SimulatedGateways
) -> None:
    account = make_account(world.shop, "mollie", mode=Mode.test, api_keys=["test_1"])
    question = account.gateway.key_question({**account.settings_at(utcnow())[0], "api_keys": ["live_1"]})
    assert question is not None
    gateways.learn([(question, [Answer(200, b"{}")])])
    log_in(page, make_user(Role.admin, world.shop))
    page.goto(f"/settings/gateways/{account.id}")
    page.get_by_role("link", name="Switch it to live…").click()
    expect(page.get_by_text("What came until now stays a test, also when it is tried again.")).to_be_visible()
    page.get_by_label("API keys", exact=True).fill("test_2")
    page.get_by_role("button", name="Switch it to live").click()
    expect(page.get_by_text("this is a test key (it begins with test_)").first).to_be_visible()
    page.get_by_label("API keys", exact=True).fill("live_1")
    page.get_by_role("button", name="Switch it to live").click()
    expect(page.get_by_text("Mollie is live now.")).to_be_visible()
    expect(page.get_by_text("live mode ·")).to_be_visible()

    check = page.get_by_role("region", name="Check the key")
    check.get_by_role("button", name="Check the key").click()
    expect(check).to_contain_text("Mollie accepts the key of")


@pytest.mark.parametrize(
    ("path", "field", "typed", "asks", "place", "tells"),
    [
        ("new", "#q[type=search]", ("r", "ra", "razor"), "**/gateways/new?*", "#kinds", "Razorpay"),
        ("new/razorpay", "#slug", ("c", "ca", "cards"), "**/address?*", "#coming", "/cards/"),
        ("{id}", "#number_pattern", ("A{number}", "B{number}", "ORD-{number}"), "**/numbers?*", "#numbers", "of yours"),
    ],
)
def test_what_is_told_of_a_field_is_about_what_was_typed_last_and_said_in_its_place(
    page: Page, world: World, path: str, field: str, typed: tuple[str, ...], asks: str, place: str, tells: str
) -> None:
    world.call(world.stripe, message(f"ORD-{world.order().number}"))
    log_in(page, make_user(Role.admin, world.shop))
    page.goto(f"/settings/gateways/{path.format(id=world.stripe.id)}")
    told = page.locator(place)
    told.evaluate("one => { one.stayed = true; }")  # a live region that is replaced says nothing
    with held_up(page, asks):
        for text in typed:
            with page.expect_request(asks):
                page.locator(field).fill(text)
    page.wait_for_function(
        """([place, tells]) => {
            const told = document.querySelector(place);
            const one = !told.querySelector(".kind + .kind");
            return one && (told.querySelector("input")?.value ?? told.textContent).includes(tells);
        }""",
        arg=[place, tells],
    )
    assert told.evaluate("one => one.stayed")
