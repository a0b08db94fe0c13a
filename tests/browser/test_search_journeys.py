"""Finding one callback among all: by what the customer says on the telephone, by what stood in it two years ago."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.search.index import SearchEntry
from shopcallbacks.shops.users import Role
from tests.factories import make_callback, make_user, message, request_for
from tests.processes import until

from .conftest import World, log_in


@pytest.fixture
def wanted(world: World) -> Callback:
    """Two years old, a payload with a word of its own; an amount that differs, so it still waits. Indexed."""
    order = world.order(customer_email="jane.doe@customer.example")
    then = utcnow() - timedelta(days=700)
    request = request_for(world.stripe, message(order, money=Money(4711, "EUR")), then)
    callback = make_callback(world.stripe, request)
    make_callback(world.stripe, replace(request, body=b'{"note": "Zanzibar delivery"}'))
    world.looked_at(callback)
    for _ in range(3):
        world.looked_at(world.call(world.stripe, message(world.order())))
    until(lambda: _indexed(world) == 5)
    return callback


def _indexed(world: World) -> int:
    db.session.rollback()
    return db.session.query(SearchEntry).filter_by(shop_id=world.shop.id).count()


def rows(page: Page) -> Locator:
    return page.locator("tr.call")


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Amount, e-mail, transaction or any words")


def search(page: Page, q: str) -> None:
    page.locator("summary", has_text="+ filter").click()
    box(page).fill(q)
    box(page).press("Enter")
    expect(page.get_by_role("link", name=re.compile(f"^“{re.escape(q)}”"))).to_be_visible()


def test_a_callback_is_found_by_what_is_known_of_it(desk: Page, wanted: Callback) -> None:
    for q in ("jane.doe@customer.example", "47.11", "amount differs", "Jane.Doe"):
        desk.goto("/callbacks?tab=all")
        expect(rows(desk)).to_have_count(5)
        search(desk, q)
        expect(rows(desk)).to_have_count(1)
        expect(desk.locator(f"#callback-{wanted.id}")).to_be_visible()


def test_what_was_looked_for_stands_in_the_address_as_a_chip(desk: Page, world: World, wanted: Callback) -> None:
    desk.goto("/callbacks?tab=all")
    search(desk, "zanzibar")
    expect(desk).to_have_url(re.compile(r"/callbacks\?tab=all&q=zanzibar&"))
    expect(rows(desk)).to_have_count(1)
    expect(desk.get_by_text("in everything ever received")).to_be_visible()
    search(desk, "zanzibar deliv")
    expect(rows(desk)).to_have_count(1)
    search(desk, "zanzibar nowhere")
    expect(desk.get_by_text("No callback fits")).to_be_visible()
    desk.go_back()
    expect(desk.get_by_role("link", name=re.compile("^“zanzibar deliv”"))).to_be_visible()
    expect(rows(desk)).to_have_count(1)
    desk.get_by_role("link", name=re.compile("zanzibar.*drop this filter")).click()
    expect(rows(desk)).to_have_count(5)
    expect(desk.get_by_role("link", name=re.compile("^“"))).to_have_count(0)


def test_a_filter_that_is_dropped_is_not_chosen_any_more(desk: Page, world: World, wanted: Callback) -> None:
    desk.goto("/callbacks")
    menu = desk.locator("summary", has_text="+ filter")
    menu.click()
    account, reason = desk.get_by_label(world.stripe.title), desk.get_by_label("Reason")
    account.check()
    reason.select_option("amount_mismatch")
    desk.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(menu).to_be_focused()
    for chip in ("account: ", "Amount differs"):
        desk.get_by_role("link", name=re.compile(f"^{chip}.*drop this filter")).click()
        expect(desk.get_by_role("link", name=re.compile(f"^{chip}.*drop this filter"))).to_have_count(0)
    menu.click()
    expect(account).not_to_be_checked()
    expect(reason).to_have_value("")


def test_an_address_that_a_colleague_sent_shows_the_same(page: Page, world: World, wanted: Callback) -> None:
    log_in(page, make_user(Role.viewer, world.shop))
    page.goto("/callbacks?tab=all&account=" + world.stripe.slug + "&q=zanzibar")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("link", name=re.compile("^account: "))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^“zanzibar”"))).to_be_visible()


def test_it_works_without_script(plain_desk: Page, world: World, wanted: Callback) -> None:
    plain_desk.goto("/callbacks")
    search(plain_desk, "amount differs")
    expect(rows(plain_desk)).to_have_count(1)
    expect(plain_desk.locator(f"#callback-{wanted.id}")).to_be_visible()


def test_the_one_search_finds_customer_order_and_callbacks_with_their_state_and_the_sum_alone(
    desk: Page, wanted: Callback
) -> None:
    order = wanted.order
    assert order is not None
    desk.goto("/settings")
    desk.wait_for_load_state()
    desk.keyboard.press("/")
    desk.keyboard.type("jane.doe@customer.example")
    desk.keyboard.press("Enter")
    orders = desk.get_by_role("region", name="Orders")
    expect(orders.get_by_role("row", name=order.number)).to_contain_text("temporary")
    callbacks = desk.get_by_role("region", name="Callbacks")
    expect(callbacks.get_by_role("row", name=order.number)).to_contain_text("Amount differs")
    everything = desk.get_by_role("search", name="Everything").get_by_role("searchbox")
    for typed, count in (("47.11", 1), ("47,11", 1), ("7,11", 0)):
        everything.fill(typed)
        everything.press("Enter")
        expect(desk.get_by_role("heading", name=f"Found for “{typed}”")).to_be_visible()
        expect(callbacks.get_by_role("row", name=order.number)).to_have_count(count)
    everything.fill("jane.doe@customer.example")
    everything.press("Enter")
    callbacks.get_by_role("link", name="Unprocessed 1").click()
    expect(rows(desk)).to_have_count(1)
    expect(desk.locator(f"#callback-{wanted.id}")).to_be_visible()
    expect(desk.locator("#count-unprocessed")).to_have_text("1")

    desk.get_by_role("navigation", name="Main").get_by_role("link", name="Orders").click()
    number = desk.get_by_role("search", name="These orders").get_by_role("searchbox")
    number.fill("jane.doe@customer.example")
    number.press("Enter")
    expect(desk.get_by_role("row", name=order.number)).to_be_visible()
