"""Every human act stands in one list, narrowed down and taken along."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.shops.users import Role
from tests.factories import make_user, message

from .conftest import World, log_in
from .test_bulk_journeys import SOON
from .test_undo_journeys import removed, unprocessed

ACTS = (
    "downloaded a table",
    "retried many",
    "changed the settings",
    "restored",
    "removed as invalid",
    "forced",
    "retried",
    "logged in",
)


def a_nights_work(desk: Page, callback: Callback, bystander: Callback) -> None:
    desk.goto(f"/callbacks/{callback.id}")
    desk.get_by_role("button", name="Retry").click()
    expect(desk.get_by_role("heading", name="2 attempts")).to_be_visible(timeout=SOON)
    desk.get_by_role("link", name="Force…").click()
    desk.get_by_label("Reason").fill("seen in PayPal")
    desk.get_by_role("button", name="Open the order").click()
    expect(desk.locator("#callback")).to_contain_text("Processed: order opened", timeout=SOON)
    desk.goto(f"/callbacks/{bystander.id}")
    removed(desk)
    desk.get_by_role("button", name="Restore").click()
    expect(desk.get_by_role("link", name="Remove…")).to_be_visible()
    desk.goto("/settings/alerts")
    desk.get_by_label("E-mail addresses").fill("dana@shop.example")
    desk.get_by_role("button", name="Save").click()
    desk.goto("/bulk/new?verb=retry&all=1")
    desk.get_by_label("Reason").fill("one more time")
    desk.get_by_role("button", name="Retry 1 callback").click()
    expect(desk.locator(".run-state")).to_contain_text("Stopped", timeout=SOON)
    desk.goto("/callbacks")
    with desk.expect_download():
        desk.get_by_text("Download", exact=True).click()
        desk.get_by_role("link", name="CSV", exact=True).click()


def test_every_act_is_kept_found_and_taken_along(page: Page, world: World, tmp_path: Path) -> None:
    admin = make_user(Role.admin, world.shop)
    manager_too = world.manager
    callback, bystander = unprocessed(world), unprocessed(world)
    log_in(page, admin)
    page.goto(f"/?shop={world.shop.slug}")
    a_nights_work(page, callback, bystander)
    page.goto("/activity")
    said = page.locator(".rows tbody tr")
    for act in ACTS:
        expect(said.filter(has_text=act).filter(has_text=admin.name).first).to_be_visible()
    expect(said.filter(has_text="forced").filter(has_text="seen in PayPal")).to_be_visible()

    page.get_by_label("Did").select_option(label="forced")
    page.get_by_role("button", name="Show").click()
    expect(said).to_have_count(1)
    page.get_by_label("Who").select_option(label=manager_too.name)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No act fits the filter.")).to_be_visible()
    page.get_by_role("link", name="drop the filter").click()
    page.get_by_label("To", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No act fits the filter.")).to_be_visible()

    page.goto(f"/activity?callback={bystander.id}")
    with page.expect_download() as download:
        page.get_by_text("Download", exact=True).click()
        page.get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "acts.csv")
    with (tmp_path / "acts.csv").open(newline="", encoding="utf-8-sig") as lines:
        verbs = [row["verb"] for row in csv.DictReader(lines)]
    assert verbs[-2:] == ["restore", "remove"], "the newest first"


def test_a_manager_reads_the_acts_of_the_shop_only(desk: Page, world: World) -> None:
    elsewhere = make_user(Role.manager)
    callback = world.looked_at(world.call(world.stripe, message("251123-nowhere")))
    desk.goto(f"/callbacks/{callback.id}")
    desk.goto("/activity")
    log_ins = desk.get_by_role("row", name="logged in").filter(has_text=world.manager.name)
    expect(log_ins).to_have_count(1)
    expect(desk.get_by_label("Who")).not_to_contain_text(elsewhere.email)
