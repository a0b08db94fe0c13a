"""A new shop's first day: five steps, each ticked by what comes, kept until all are true; and where to read on."""

from __future__ import annotations

import requests
from playwright.sync_api import Page, expect

from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_shop, make_token, make_user, message

from .conftest import World, log_in


def test_five_steps_are_ticked_as_they_come_true_and_the_last_one_takes_them_off_the_screen(
    page: Page, world: World
) -> None:
    shop = make_shop()
    log_in(page, make_user(Role.admin, shop))
    page.goto("/")
    expect(page.get_by_role("heading", name="Five steps, and your shop runs")).to_be_visible()
    steps, done = page.locator(".steps-list > li"), page.locator(".steps-list > li.done")
    expect(steps).to_have_count(5)
    expect(done).to_have_count(0)
    expect(page.locator("pre.curl")).to_contain_text("/api/orders")
    expect(page.get_by_role("link", name="Make a token")).to_be_visible()
    expect(page.get_by_role("link", name="Add a gateway")).to_be_visible()

    account = make_account(shop)
    expect(done).to_have_text(["Add a gateway done"])  # the open page sees it by itself
    expect(page.get_by_label("Callback address of Stripe")).to_have_value(world.live.url + account.callback_path)
    handed_in = requests.post(
        f"{world.live.url}/api/orders",
        json={"number": "1001", "amount": "1.00", "currency": "EUR"},
        headers={"Authorization": f"Bearer {make_token(shop)}"},
        timeout=60,
    )
    assert handed_in.status_code == 201
    expect(done).to_have_count(2)

    db.session.rollback()
    order = db.session.query(Order).filter_by(shop_id=shop.id).one()
    assert order.total == Money(100, "EUR")
    world.looked_at(world.call(account, message(order)))
    left = page.locator("#steps-left summary")
    expect(left).to_have_text("First steps: 4 of 5 done. Left: somebody to be alerted.")
    left.click()
    page.get_by_role("link", name="Choose who hears of them").click()
    page.get_by_label("E-mail addresses").fill("dana@shop.example")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="All callbacks are processed")).to_be_visible()
    expect(page.locator("#steps-left")).to_have_count(0)


def test_help_stands_in_the_menu_with_guides_keys_the_api_and_what_is_new(desk: Page) -> None:
    desk.goto("/orders")
    desk.locator("summary.initials").click()
    desk.get_by_role("link", name="Help").click()
    expect(desk.get_by_text("This is version")).to_be_visible()
    papers = desk.locator(".paper")
    for title in ("Keys", "The API", "What is new"):
        expect(papers.get_by_role("link", name=title)).to_be_visible()
    papers.get_by_role("link", name="A guide for shop managers").click()
    expect(desk.get_by_role("heading", name="A guide for shop managers")).to_be_visible()
