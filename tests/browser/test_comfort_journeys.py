"""A manager makes the panel their own: views, zone and format, rows and columns, keys, copying."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from tests.factories import message
from tests.processes import until

from .conftest import World


def row_of(page: Page, callback: Callback) -> Locator:
    return page.locator(f"#callback-{callback.id}")


def unconfirmed(world: World) -> Callback:
    """PayPal says it did not send this: it can be retried and forced."""
    return world.looked_at(world.call(world.paypal, message(world.order())))


def differing(world: World) -> Callback:
    """Neither a retry nor a force can help it."""
    return world.looked_at(world.call(world.stripe, message(world.order(minor=142000), money=Money(1, "EUR"))))


@pytest.fixture
def calls(world: World) -> list[Callback]:
    return [unconfirmed(world), differing(world), unconfirmed(world)]


@pytest.mark.parametrize("browser_with", ["desk", "plain_desk"])
def test_a_view_is_saved_opened_renamed_and_removed(
    request: pytest.FixtureRequest, calls: list[Callback], browser_with: str
) -> None:
    page: Page = request.getfixturevalue(browser_with)
    page.goto("/callbacks?reason=amount_mismatch")
    page.get_by_text("Save view", exact=True).click()
    page.get_by_label("Name of the view").fill("Short paid")
    page.get_by_role("button", name="Save", exact=True).click()
    views = page.get_by_role("navigation", name="Saved views")
    chip = views.get_by_role("link", name="Short paid")
    expect(chip).to_have_attribute("aria-current", "true")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Callbacks").click()
    expect(row_of(page, calls[0])).to_be_visible()
    expect(chip).not_to_have_attribute("aria-current", "true")
    chip.click()
    expect(page).to_have_url("/callbacks?reason=amount_mismatch")
    expect(row_of(page, calls[0])).to_have_count(0)
    expect(row_of(page, calls[1])).to_be_visible()
    page.get_by_text("Change view", exact=True).click()
    page.get_by_label("Name of the view").fill("Paid too little")
    page.get_by_role("button", name="Rename").click()
    expect(views.get_by_role("link")).to_have_text(["Paid too little"])
    page.get_by_text("Change view", exact=True).click()
    page.get_by_role("button", name="Remove view").click()
    expect(page.get_by_text("“Paid too little” is removed.")).to_be_visible()
    expect(views).to_have_count(0)
    expect(row_of(page, calls[1])).to_be_visible()


def test_times_and_amounts_follow_the_managers_zone_and_format(desk: Page, world: World, calls: list[Callback]) -> None:
    desk.goto("/")
    desk.locator("summary.initials").click()
    desk.get_by_role("link", name="Your settings").click()
    desk.get_by_label("Time zone").select_option("Asia/Kathmandu")
    desk.get_by_label("Dates, times and numbers").select_option("de")
    desk.get_by_label("the time itself").check()
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved. Every page follows.")).to_be_visible()
    desk.goto("/orders")
    expect(desk.get_by_text("1.420,00 EUR").first).to_be_visible()
    desk.goto("/callbacks")
    local = calls[1].received_at + timedelta(hours=5, minutes=45)
    age = row_of(desk, calls[1]).locator(".call-age time")
    expect(age).to_have_text(f"{local:%H:%M:%S}")
    expect(age).to_have_attribute("title", re.compile(rf"^{local.day}\. \w+\.? {local.year} "))
    expect(desk.get_by_role("columnheader", name="Arrived")).to_be_visible()


def test_on_paper_every_time_is_exact(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    age = row_of(desk, calls[0]).locator(".call-age time")
    content = "node => getComputedStyle(node, '::after').content"
    assert age.evaluate(content) == "none"
    desk.emulate_media(media="print")
    assert f"{calls[0].received_at:%H:%M:%S}" in age.evaluate(content)


def test_rows_are_compact_at_a_click_and_stay_so(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks?tab=all")
    row = row_of(desk, calls[1])
    assert tall(row) > 50
    compact = desk.get_by_role("button", name="Compact")
    compact.click()
    expect(compact).to_have_attribute("aria-pressed", "true")
    expect(compact).to_be_focused()
    expect(desk).to_have_url("/callbacks?tab=all")
    assert tall(row) <= 40
    desk.goto("/callbacks")
    assert tall(row) <= 40
    compact.click()
    expect(compact).to_have_attribute("aria-pressed", "false")


def test_without_javascript_rows_are_compact_too_and_nothing_offers_what_needs_it(
    plain_desk: Page, calls: list[Callback]
) -> None:
    plain_desk.goto("/callbacks?tab=all")
    plain_desk.get_by_role("button", name="Compact").click()
    expect(plain_desk).to_have_url("/callbacks?tab=all")
    expect(plain_desk.get_by_role("button", name="Compact")).to_have_attribute("aria-pressed", "true")
    expect(plain_desk.get_by_role("button", name="Keys")).to_have_count(0)
    plain_desk.goto(f"/callbacks/{calls[0].id}")
    expect(plain_desk.get_by_role("heading", name="References")).to_be_visible()
    expect(plain_desk.get_by_role("button", name="Copy")).to_have_count(0)


def test_columns_are_chosen_and_a_card_names_them(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    desk.get_by_text("Columns", exact=True).click()
    desk.get_by_label("Transaction", exact=True).check()
    desk.get_by_label("Age", exact=True).uncheck()
    desk.get_by_role("button", name="Show these").click()
    expect(desk.get_by_role("columnheader", name="Transaction")).to_be_visible()
    expect(desk.get_by_role("columnheader", name="Age", exact=True)).to_have_count(0)
    row = row_of(desk, calls[0])
    expect(row).to_contain_text(str(calls[0].transaction_id))
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text(str(calls[0].transaction_id))
    expect(row.locator("> *")).to_have_count(6)
    desk.set_viewport_size({"width": 390, "height": 844})
    expect(row.get_by_text("Transaction", exact=True)).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_j_k_x_and_o_walk_select_and_open(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    keys = desk.keyboard
    keys.press("j")
    expect(row_of(desk, calls[0])).to_be_focused()
    keys.press("j")
    keys.press("j")
    keys.press("j")  # there is no fourth
    expect(row_of(desk, calls[2])).to_be_focused()
    keys.press("k")
    expect(row_of(desk, calls[1])).to_be_focused()
    keys.press("x")
    expect(row_of(desk, calls[1]).get_by_role("checkbox")).to_be_checked()
    expect(desk.get_by_text("1 selected")).to_be_visible()
    keys.press("o")
    expect(desk).to_have_url(f"/callbacks/{calls[1].id}?tab=unprocessed")
    desk.go_back()
    keys.press("j")
    expect(row_of(desk, calls[0])).to_be_focused()
    keys.press("Enter")
    expect(desk).to_have_url(f"/callbacks/{calls[0].id}?tab=unprocessed")


def test_r_retries_the_row_and_the_focus_stays(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    desk.keyboard.press("j")
    desk.keyboard.press("r")
    until_attempts(calls[0], 2)
    expect(row_of(desk, calls[0]).get_by_role("button", name="Retry")).to_be_visible()
    expect(row_of(desk, calls[0])).to_be_focused()
    desk.keyboard.press("j")
    expect(row_of(desk, calls[1])).to_be_focused()


def test_f_asks_before_it_forces_and_escape_leads_back_to_the_row(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    desk.keyboard.press("j")
    desk.keyboard.press("f")
    dialog = desk.get_by_role("dialog", name="Force this callback?")
    reason = dialog.get_by_label("Reason")
    expect(reason).to_be_focused()
    desk.keyboard.type("frj?")
    expect(reason).to_have_value("frj?")
    desk.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row_of(desk, calls[0])).to_be_focused()
    desk.keyboard.press("f")
    reason.fill("seen in PayPal")
    desk.keyboard.press("Enter")
    until_attempts(calls[0], 2)
    assert calls[0].state is State.processed


def test_a_key_that_can_not_help_says_so_and_does_nothing(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("f")
    expect(desk.locator("#said")).to_have_text("Force can't help here.")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    desk.keyboard.press("Control+f")
    desk.keyboard.press("r")
    expect(desk.locator("#said")).to_have_text("Retry can't help here.")
    expect(row_of(desk, calls[1])).to_be_focused()


def test_keys_of_one_letter_can_be_switched_off(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/preferences")
    desk.get_by_role("group", name="Keys of one letter or sign").get_by_label("off").check()
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Saved. Every page follows.")).to_be_visible()
    desk.goto(f"/callbacks/{calls[0].id}?tab=unprocessed")
    for key in "rfjn/?":
        desk.keyboard.press(key)
    expect(desk.get_by_role("dialog")).to_have_count(0)
    expect(desk.locator(":focus")).to_have_count(0)
    desk.goto("/callbacks")
    desk.get_by_role("button", name="Keys").click()
    expect(desk.get_by_role("dialog", name="Keys")).to_contain_text("Keys of one letter or sign are off")
    desk.keyboard.press("Escape")
    row_of(desk, calls[1]).focus()
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(f"/callbacks/{calls[1].id}?tab=unprocessed")
    db.session.rollback()
    db.session.refresh(calls[0])
    assert calls[0].attempt_count == 1


@pytest.mark.parametrize("path", ["/callbacks", "/settings"])
def test_slash_searches_everywhere_and_keys_only_write_there(desk: Page, calls: list[Callback], path: str) -> None:
    desk.goto(path)
    desk.keyboard.press("/")
    box = desk.get_by_role("search", name="Everything").get_by_role("searchbox")
    expect(box).to_be_focused()
    desk.keyboard.type("jkxrf/?o")
    expect(box).to_have_value("jkxrf/?o")
    expect(desk.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("path", ["/", "/callbacks", "/orders", "/preferences"])
def test_the_keys_are_listed_on_every_page(desk: Page, calls: list[Callback], path: str) -> None:
    desk.goto(path)
    desk.keyboard.press("?")
    dialog = desk.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    desk.keyboard.press("j")
    desk.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(desk.locator("tr.call:focus")).to_have_count(0)


def test_the_keys_are_one_visible_click_away(desk: Page, calls: list[Callback]) -> None:
    desk.goto("/callbacks")
    desk.get_by_role("button", name="Keys").click()
    desk.get_by_role("dialog", name="Keys").get_by_role("button", name="Close").click()
    expect(desk.get_by_role("dialog")).to_have_count(0)


def test_r_and_f_act_on_the_callbacks_own_page(desk: Page, calls: list[Callback]) -> None:
    desk.goto(f"/callbacks/{calls[0].id}")
    desk.keyboard.press("f")
    expect(desk.get_by_role("dialog", name="Force this callback?")).to_be_visible()
    desk.keyboard.press("Escape")
    desk.keyboard.press("r")
    until_attempts(calls[0], 2)


def test_j_and_k_lead_from_one_callback_to_the_next_and_back_and_an_act_moves_nothing(
    desk: Page, calls: list[Callback]
) -> None:
    desk.goto(f"/callbacks/{calls[0].id}?tab=unprocessed")
    place = desk.get_by_role("navigation", name="In the list")
    expect(place).to_contain_text("1 of 3")
    desk.keyboard.press("v")
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("a copy")
    dialog.get_by_role("button", name="and on to the next").click()
    expect(desk).to_have_url(f"/callbacks/{calls[1].id}?tab=unprocessed")
    expect(place).to_contain_text("1 of 2")
    desk.wait_for_load_state()  # keys work once their script has run
    desk.keyboard.press("j")
    expect(desk).to_have_url(f"/callbacks/{calls[2].id}?tab=unprocessed")
    desk.wait_for_load_state()
    desk.evaluate("document.body.style.minHeight = '3000px'")
    desk.keyboard.press("r")
    until_attempts(calls[2], 2)
    expect(desk.get_by_role("button", name="Retry")).to_be_visible()
    assert desk.evaluate("scrollY") == 0
    expect(place).to_contain_text("2 of 2")
    desk.keyboard.press("n")
    expect(desk.get_by_label("A new note")).to_be_focused()
    expect(desk.get_by_label("A new note")).to_have_value("")


def test_a_reference_is_copied_and_that_is_said(desk: Page, calls: list[Callback]) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(f"/callbacks/{calls[0].id}")
    wanted = {
        "Order number": calls[0].order_number,
        "Transaction id": calls[0].transaction_id,
        "Digest": calls[0].digest.hex(),
    }
    for what, text in wanted.items():
        desk.get_by_role("button", name=f"Copy {what.lower()}").click()
        expect(desk.locator("#said")).to_have_text(f"{what} copied.")
        assert desk.evaluate("navigator.clipboard.readText()") == text


def tall(row: Locator) -> float:
    box = row.bounding_box()
    assert box is not None
    return box["height"]


def until_attempts(callback: Callback, count: int) -> None:
    def done() -> bool:
        db.session.rollback()
        db.session.refresh(callback)
        return callback.attempt_count >= count and callback.due_at is None

    until(done)
