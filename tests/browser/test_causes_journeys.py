"""The queue by cause: in shop words, with the next step, and the actions on all of a cause."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from tests.factories import make_account, message

from .conftest import World
from .test_bulk_journeys import SOON, badly_signed


def test_causes_and_rows_are_two_views_of_the_same(desk: Page, world: World) -> None:
    differs = world.looked_at(world.call(world.stripe, message(world.order(), money=Money(599, "EUR"))))
    asked = world.looked_at(world.call(world.paypal, message(world.order())))
    desk.goto("/callbacks")
    desk.get_by_role("link", name="By cause").click()
    expect(desk.locator(".cluster")).to_have_count(2)
    amount = desk.get_by_role("region", name="Amount differs from the order")
    expect(amount).to_contain_text("1 callback, 59.90 EUR")
    expect(amount).to_contain_text("Compare with the order; nothing was booked.")
    amount.get_by_role("link", name="Compare").click()
    expect(desk.locator(f"#callback-{differs.id}")).to_be_visible()
    expect(desk.locator(f"#callback-{asked.id}")).to_have_count(0)
    desk.get_by_role("link", name="By cause").click()
    expect(desk.locator(".cluster")).to_have_count(1)
    desk.get_by_role("link", name="drop the filter").click()
    expect(desk.locator(".cluster")).to_have_count(2)
    desk.get_by_role("link", name="One by one").click()
    expect(desk.locator("tr.call")).to_have_count(2)


def test_a_reason_has_one_name_on_the_dashboard_as_a_cause_as_a_chip_in_the_story_and_in_the_file(
    desk: Page, world: World
) -> None:
    differs = world.looked_at(world.call(world.stripe, message(world.order(), money=Money(599, "EUR"))))
    name = "Amount differs from the order"
    desk.goto("/")
    expect(desk.locator(".cause").get_by_role("heading", name=name, exact=True)).to_be_visible()
    desk.goto("/callbacks/causes")
    desk.get_by_role("region", name=name).get_by_role("link", name="Compare").click()
    expect(desk.locator(".chip")).to_contain_text(name)
    expect(desk.locator("#reason option:checked")).to_have_text(name)
    row = desk.locator(f"#callback-{differs.id}")
    expect(row).to_contain_text(name)
    with desk.expect_download() as download:
        desk.get_by_text("Download", exact=True).click()
        desk.get_by_role("link", name="CSV", exact=True).click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as lines:
        assert [line["reason"] for line in csv.DictReader(lines)] == [name]
    desk.goto(f"/callbacks/{differs.id}")
    expect(desk.get_by_role("main")).to_contain_text(name)


def test_all_of_a_cause_are_removed_and_the_others_stay(desk: Page, world: World) -> None:
    differs = world.looked_at(world.call(world.stripe, message(world.order(), money=Money(599, "EUR"))))
    forged = badly_signed(world, 3)
    desk.goto("/callbacks/causes")
    desk.get_by_role("region", name="Signature does not match").get_by_text("More").click()
    desk.get_by_role("link", name=re.compile("Remove all 3")).click()
    expect(desk.get_by_text("3 callbacks leave the unprocessed ones")).to_be_visible()
    desk.get_by_label("Reason").fill("not from Stripe")
    desk.get_by_role("button", name="Mark 3 callbacks as invalid").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    desk.goto("/callbacks/causes")
    expect(desk.locator(".cluster")).to_have_count(1)
    db.session.expire_all()
    assert [callback.state for callback in [*forged, differs]] == [State.invalid] * 3 + [State.unprocessed]


def test_a_cause_is_opened_to_its_gateways_taken_in_hand_sorted_by_money_and_done(desk: Page, world: World) -> None:
    second = make_account(world.shop)
    for account in (world.stripe, second):
        world.looked_at(world.call(account, message(world.order(), money=Money(599, "EUR"))))
    denied = world.looked_at(world.call(world.paypal, message(world.order(minor=142_000))))
    desk.goto("/callbacks/causes")
    titles = desk.locator(".cluster h2")
    expect(titles).to_have_text([re.compile("^Amount differs"), re.compile("^PayPal IPN says")])
    desk.get_by_role("link", name="money in EUR").click()
    expect(titles).to_have_text([re.compile("^PayPal IPN says"), re.compile("^Amount differs")])

    amount = desk.get_by_role("region", name="Amount differs from the order")
    expect(amount).to_contain_text("2 in the last hour")
    amount.get_by_text("By gateway and detail (2)").click()
    parts = amount.get_by_role("listitem").filter(has_text="1 callback, 59.90 EUR")
    expect(parts).to_have_count(2)
    amount.get_by_role("button", name="I look at it").click()
    expect(amount).to_contain_text("You look at it, since")
    amount.get_by_role("button", name="Done").click()
    expect(amount).to_contain_text(f"Done by {world.manager.name}")

    amount.get_by_text("By gateway and detail (2)").click()
    parts.first.get_by_role("link", name="Show").click()
    expect(desk.locator("tr.call")).to_have_count(1)
    expect(desk.locator(f"#callback-{denied.id}")).to_have_count(0)
