"""What a shop manager does on a bad Friday night."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.factories import message

from .conftest import World


def test_a_genuine_payment_opens_the_order_while_the_dashboard_is_open(desk: Page, world: World) -> None:
    expect(desk.get_by_role("heading", name="Three steps, and callbacks come in")).to_be_visible()
    order = world.order()
    world.call(world.stripe, message(order))
    expect(desk.get_by_role("heading", name="All callbacks are processed")).to_contain_text("Stripe", timeout=15_000)
    desk.goto(f"/orders?number={order.number}")
    expect(desk.get_by_role("row", name=order.number)).to_contain_text("open")
