"""The dashboard: the chart by pointer, keyboard and table, a silent gateway, orders nobody called about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.arrivals import HOUR, Arrivals, hour_of
from shopcallbacks.domain.values import Verdict
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from tests.factories import made_at, make_account, make_callback, message

from .conftest import World, held_up


def settled(world: World) -> None:
    world.looked_at(world.call(world.stripe, message(world.order())))


def test_the_chart_is_walked_by_keyboard_and_switched_without_a_reload(desk: Page, world: World) -> None:
    settled(world)
    desk.goto("/")
    bars = desk.locator(".chart-bar")
    expect(bars).to_have_count(24)
    bars.last.focus()
    expect(desk.locator(".chart-says")).to_contain_text("1 processed, 0 unprocessed, 0 invalid")
    desk.keyboard.press("ArrowLeft")
    expect(bars.nth(22)).to_be_focused()
    expect(desk.locator(".chart-says")).to_contain_text("0 processed")
    desk.keyboard.press("Home")
    expect(bars.first).to_be_focused()
    desk.keyboard.press("Tab")
    expect(desk.locator(".as-table summary")).to_be_focused()

    desk.evaluate("window.stayed = true")
    desk.get_by_role("link", name="30 days").click()
    expect(bars).to_have_count(30)
    expect(desk).to_have_url("/?by=days")
    assert desk.evaluate("window.stayed")
    expect(desk.get_by_role("link", name="30 days")).to_be_focused()
    desk.locator(".as-table summary").click()
    expect(desk.locator("#results-table tbody tr").first).to_contain_text("1")
    desk.reload()
    expect(bars).to_have_count(30)


@pytest.mark.parametrize("late", ["hours", "days"])
def test_the_chart_shows_the_period_chosen_whichever_answer_is_late(desk: Page, world: World, late: str) -> None:
    settled(world)
    desk.goto("/")
    asks_by_itself = "htmx.trigger('#results', 'every')"
    if late == "days":
        with held_up(desk, "**/results?by=days"):
            desk.get_by_role("link", name="30 days").click()
            desk.evaluate(asks_by_itself)
    else:
        with held_up(desk, "**/results?by=hours"):
            with desk.expect_request("**/results?by=hours"):
                desk.evaluate(asks_by_itself)
            desk.get_by_role("link", name="30 days").click()
            expect(desk.locator(".chart-bar")).to_have_count(30)
    for _ in range(2):
        desk.wait_for_event("response", lambda response: "/queue" in response.url)
    expect(desk.locator(".chart-bar")).to_have_count(30)
    expect(desk).to_have_url("/?by=days")


def test_the_chart_is_switched_without_script(plain_desk: Page, world: World) -> None:
    settled(world)
    plain_desk.goto("/")
    plain_desk.get_by_role("link", name="30 days").click()
    expect(plain_desk.get_by_role("heading", name="Callbacks per day")).to_be_visible()


def test_a_gateway_that_fell_silent_is_named(desk: Page, world: World) -> None:
    now = utcnow()
    callback = make_callback(world.stripe, message(), now - timedelta(hours=2, minutes=10))
    db.session.execute(
        update(Callback)
        .where(Callback.id == callback.id)
        .values(due_at=None, due_kind=None, state="processed", verdict=Verdict.genuine)
    )
    own = GatewayAccount.shop_id == world.shop.id
    db.session.execute(update(GatewayAccount).where(own).values(created_at=now - timedelta(days=20)))
    hours = [hour_of(now, "UTC") - n * HOUR for n in range(3, 20 * 24)]
    rows = [{"account_id": world.stripe.id, "hour": hour, "came": 14, "genuine": 14} for hour in hours]
    keeping = insert(Arrivals)  # over what the sweep may have counted already
    kept = {"came": keeping.excluded.came, "genuine": keeping.excluded.genuine}
    db.session.execute(keeping.on_conflict_do_update(index_elements=["account_id", "hour"], set_=kept), rows)
    db.session.commit()
    desk.goto("/")
    warning = desk.get_by_text("has been silent for")
    expect(warning).to_contain_text("Stripe has been silent for 2 h 10 min; usual at this time: 14 an hour")


def test_orders_nobody_called_about_lead_to_all_of_them(desk: Page, world: World) -> None:
    settled(world)
    numbers = []
    for n in range(7):
        order = made_at(world.order(), utcnow() - timedelta(minutes=100 - n))
        numbers.append(order.number)
    desk.goto("/")
    expect(desk.locator(".unheard li")).to_have_count(5)
    expect(desk.locator(".unheard li").first).to_contain_text(numbers[0])
    desk.get_by_role("link", name="Show all 7").click()
    expect(desk.locator("tbody tr")).to_have_count(7)
    desk.get_by_role("link", name=numbers[0]).click()
    expect(desk.get_by_role("heading", name=f"Order {numbers[0]}")).to_be_visible()


def test_of_many_gateways_those_with_something_wrong_stand_first_and_the_others_behind_a_click(
    desk: Page, world: World
) -> None:
    settled(world)
    for _ in range(5):
        make_account(world.shop)
    wrong = make_account(world.shop, "mollie", api_keys=["live_1"])
    wrong.disable()
    db.session.commit()
    desk.goto("/")
    gateways = desk.get_by_role("region", name="Gateways")
    expect(gateways.locator("li.gateway:visible")).to_have_count(6)
    expect(gateways.locator("li.gateway").first).to_contain_text("switched off")
    gateways.get_by_text("and 2 more, with nothing wrong").click()
    expect(gateways.locator("li.gateway:visible")).to_have_count(8)
    assert len(set(gateways.locator(".letters").all_inner_texts())) == 3, "each of the three gateways has its own"
