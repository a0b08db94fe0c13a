"""Remove and restore are two clicks apart: on the row, on the callback's page, and in the tray."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from shopcallbacks.callbacks.callback import Callback
from tests.factories import message

from .conftest import World


def unprocessed(world: World) -> Callback:
    return world.looked_at(world.call(world.paypal, message(world.order())))


def removed(desk: Page) -> None:
    """By the link in view: a reason, and the button that names the effect."""
    desk.get_by_role("link", name="Remove…").first.click()
    desk.get_by_label("Reason (kept").fill("a test of the old shop")
    desk.get_by_role("button", name="Mark as invalid").click()


def test_on_the_row_each_is_taken_back_by_the_next_click_in_its_place(desk: Page, world: World) -> None:
    row = desk.locator(f"#callback-{unprocessed(world).id}")
    desk.goto("/callbacks")
    removed(desk)
    row.get_by_role("button", name="Restore").click()
    row.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("Undo: it was restored by mistake")
    row.get_by_role("button", name="Restore").click()
    expect(row.get_by_role("link", name="Remove…")).to_be_visible()


def test_on_the_callbacks_page_too(desk: Page, world: World) -> None:
    desk.goto(f"/callbacks/{unprocessed(world).id}")
    acts = desk.locator(".callback-acts")
    removed(desk)
    acts.get_by_role("button", name="Restore").click()
    acts.get_by_role("button", name="Undo").click()
    acts.get_by_role("button", name="Restore").click()
    expect(acts.get_by_role("link", name="Remove…")).to_be_visible()


def test_the_tray_has_the_way_back_for_the_last_act_only(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    desk.goto("/callbacks")
    removed(desk)
    expect(desk.locator(f"#callback-{callback.id}").get_by_role("button", name="Restore")).to_be_visible()
    desk.locator("summary", has_text="MP").click()
    desk.get_by_role("link", name="Your last actions").click()
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("Restored: it is unprocessed again.")).to_be_visible()
    expect(desk.get_by_role("button", name="Undo")).to_have_count(1)
    expect(desk.get_by_role("row", name="You restored").get_by_role("button", name="Undo")).to_be_visible()


def test_the_question_in_a_tab_of_its_own_is_answered_there(desk: Page, world: World) -> None:
    """A link may be opened in a new tab: no row and no dialog stand there."""
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}/removal")
    desk.get_by_label("Reason (kept").fill("a test of the old shop")
    desk.get_by_role("button", name="Mark as invalid").click()
    expect(desk.get_by_text("Marked as invalid.")).to_be_visible()
    desk.goto(f"/callbacks/{callback.id}")
    expect(desk.get_by_role("button", name="Restore")).to_be_visible()
