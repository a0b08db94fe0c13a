"""Forcing: what speaks against it is said first, where to look is a link, and a large sum takes two people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.simulator import SimulatedGateways
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import OrderState
from shopcallbacks.domain.values import Answer
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.factories import make_user, message, request_for
from tests.processes import until

from .conftest import World, htmx_there, log_in, with_htmx


def denied(world: World) -> Callback:
    """PayPal says that it did not send this."""
    return world.looked_at(world.call(world.paypal, message(world.order())))


def state_of_order(callback: Callback) -> OrderState | None:
    db.session.rollback()
    db.session.refresh(callback)
    return callback.order.state if callback.order else None


@pytest.fixture
def second(browser: Browser, browser_context_args: dict[str, Any], world: World) -> Iterator[Page]:
    """The browser of an admin, who may force as well."""
    context = browser.new_context(**browser_context_args)
    page = with_htmx(context.new_page())
    log_in(page, make_user(Role.admin, world.shop))
    yield page
    context.close()


def test_what_the_gateway_denied_is_forced_alone_and_only_with_what_was_seen_there(desk: Page, world: World) -> None:
    callback = denied(world)
    desk.goto("/callbacks/causes")
    cause = desk.get_by_role("region", name="PayPal IPN says it did not send this")
    cause.get_by_text("More").click()
    expect(cause.get_by_role("link", name=re.compile("Remove 1"))).to_be_visible()
    expect(cause.get_by_role("link", name=re.compile("Force"))).to_have_count(0)

    desk.goto("/callbacks")
    row = desk.locator(f"#callback-{callback.id}")
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text("Tried again: PayPal IPN still says no")
    row.get_by_role("link", name="Force").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog.locator(".ask-warning").first).to_contain_text(
        "PayPal IPN says it did not send this. Checked twice, last "
    )
    expect(dialog.get_by_role("button", name="Copy transaction id")).to_be_visible()
    page_there = f"https://www.paypal.com/activity/payment/{callback.transaction_id}"
    expect(dialog.get_by_role("link", name="Open in PayPal IPN")).to_have_attribute("href", page_there)
    dialog.get_by_label("Reason: what you saw of it in PayPal IPN").fill("completed, seen in PayPal")
    dialog.get_by_role("button", name="Open the order without PayPal IPN's confirmation").click()
    until(lambda: state_of_order(callback) is OrderState.open)
    expect(row).to_contain_text("completed, seen in PayPal")


def test_all_that_could_not_be_asked_about_are_forced_with_verdicts_counted_and_no_green(
    desk: Page, world: World, gateways: SimulatedGateways
) -> None:
    request = request_for(world.paypal, message(world.order()))
    asking = world.paypal.gateway.verify(request, world.paypal.settings_at(utcnow())[0])
    gateways.learn([(next(asking), [Answer(503, b"")])])  # type: ignore[call-overload]
    world.looked_at(world.call(world.paypal, request))
    desk.goto("/callbacks/causes?tab=waiting")
    cause = desk.get_by_role("region", name="PayPal IPN could not be reached")
    cause.get_by_text("More").click()
    cause.get_by_role("link", name=re.compile("Force 1")).click()
    effects = desk.locator(".effects")
    expect(effects).to_contain_text("1 not checked: PayPal IPN could not be reached")
    expect(effects).to_contain_text("1 order opens: 59.90 EUR")
    expect(effects).to_contain_text("None of it was confirmed: look the payments up in the gateway first.")
    expect(effects.locator(".dot-green")).to_have_count(0)


def test_above_the_shops_limit_one_person_asks_and_another_one_forces(desk: Page, second: Page, world: World) -> None:
    callback = denied(world)
    second.goto("/settings/orders")
    above = second.get_by_role("group", name="Two people force above")
    above.get_by_label("Amount").fill("10")
    above.get_by_label("Currency").fill("EUR")
    second.get_by_label("Your shop's own page of an order").fill("https://shop.example/admin/{number}")
    second.get_by_role("button", name="Save").click()

    desk.goto(f"/callbacks/{callback.id}")
    references = desk.get_by_role("region", name="References")
    own = references.get_by_role("link", name=re.compile(f"^{callback.order_number}"))
    expect(own).to_have_attribute("href", f"https://shop.example/admin/{callback.order_number}")
    there = references.get_by_role("link", name="in PayPal IPN")
    expect(there).to_have_attribute("href", re.compile("^https://www.paypal.com/"))
    desk.get_by_role("link", name="Force…").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("Above 10.00 EUR it takes two people")
    dialog.get_by_label("Reason").fill("I see it in PayPal")
    dialog.get_by_role("button", name="Ask a second person to force it").click()
    expect(desk.get_by_text("you asked a second person to force it")).to_be_visible()
    assert state_of_order(callback) is OrderState.temporary

    second.goto("/")
    expect(second.get_by_text(f"asks for a second person to force order {callback.order_number}")).to_be_visible()
    second.get_by_role("link", name="Answer").click()
    expect(second).to_have_url(f"/callbacks/{callback.id}")
    expect(second.get_by_role("heading", name="References")).to_be_visible()
    htmx_there(second)
    second.get_by_role("link", name="Force…").click()
    dialog = second.get_by_role("dialog")
    expect(dialog).to_contain_text("asks you to force it, since")
    dialog.get_by_label("Reason").fill("I see it too")
    dialog.get_by_role("button", name="Open the order without PayPal IPN's confirmation").click()
    until(lambda: state_of_order(callback) is OrderState.open)
