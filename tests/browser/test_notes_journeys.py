"""Two managers on one callback: who is on it, what they tell each other, and what they put on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.claims import Claim
from shopcallbacks.domain.states import Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role, User
from tests.factories import make_user, message

from .conftest import World, log_in, with_htmx

SOON = 15_000


def unprocessed(world: World) -> Callback:
    return world.looked_at(world.call(world.paypal, message(world.order())))


@pytest.fixture
def dana(world: World) -> User:
    user = make_user(Role.manager, world.shop)
    user.name = "Dana"
    db.session.commit()
    return user


@pytest.fixture
def danas(browser: Browser, browser_context_args: dict[str, Any], dana: User) -> Iterator[Page]:
    """The browser of a second manager."""
    context = browser.new_context(**browser_context_args)
    page = with_htmx(context.new_page())
    log_in(page, dana)
    yield page
    context.close()


def test_a_claim_and_a_note_are_seen_by_the_other_without_a_reload(desk: Page, danas: Page, world: World) -> None:
    callback = unprocessed(world)
    here = f"/callbacks/{callback.id}"
    desk.goto(here)
    danas.goto(here)
    rows = desk.context.new_page()
    rows.goto("/callbacks")
    desk.get_by_label("A new note").fill("half a thought")

    danas.get_by_role("button", name="I’m on it").click()
    expect(danas.locator("#claim")).to_contain_text("You are on it")
    expect(desk.locator("#claim")).to_contain_text("Dana is on it", timeout=SOON)
    expect(rows.locator(f"#callback-{callback.id}")).to_contain_text("Dana is on it", timeout=SOON)

    danas.get_by_label("A new note").fill("I called PayPal.\nThey look.")
    danas.get_by_role("button", name="Add note").click()
    expect(danas.locator("#notes")).to_contain_text("I called PayPal.")
    expect(danas.get_by_label("A new note")).to_have_value("")
    expect(desk.locator("#notes-list")).to_contain_text("They look.", timeout=SOON)
    expect(desk.get_by_label("A new note")).to_have_value("half a thought")

    desk.get_by_role("link", name="Remove").click()
    expect(desk.get_by_role("dialog")).to_contain_text("Dana is on it")
    desk.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    desk.get_by_role("button", name="Take over").click()
    expect(desk.locator("#claim")).to_contain_text("You are on it")
    expect(danas.locator("#claim")).to_contain_text("Manager Person is on it", timeout=SOON)
    desk.get_by_role("button", name="Let go").click()
    expect(danas.get_by_role("button", name="I’m on it")).to_be_visible(timeout=SOON)


def test_a_note_too_long_is_refused_and_stays_in_the_box(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}")
    desk.get_by_label("A new note").fill("x" * 2001)
    desk.get_by_role("button", name="Add note").click()
    expect(desk.locator("#notes").get_by_role("alert")).to_contain_text("This has 2,001 characters")
    expect(desk.get_by_label("A new note")).to_have_value("x" * 2001)


def removed_by(callback: Callback, user: User) -> None:
    fresh = db.session.get_one(Callback, callback.id)
    db.session.refresh(fresh)
    fresh.do(Verb.remove, user, "not ours")
    db.session.commit()


def test_a_stale_page_is_refused_with_the_fresh_page(desk: Page, world: World, dana: User) -> None:
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}")
    removed_by(callback, dana)
    desk.locator(".callback-acts").get_by_role("button", name="Retry").press("Enter")
    expect(desk.locator("#callback").get_by_role("alert")).to_contain_text("moved on since you saw it: removed by Dana")
    expect(desk.get_by_role("button", name="Restore")).to_be_visible()
    expect(desk.locator("#callback")).to_be_focused()


def test_a_refused_claim_keeps_the_focus_in_its_place(desk: Page, world: World, dana: User) -> None:
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}")
    desk.route("**/people?*", lambda route: route.abort())  # else it is told before
    Claim.take(callback, dana, None)
    db.session.commit()
    desk.get_by_role("button", name="I’m on it").press("Enter")
    expect(desk.locator("#claim").get_by_role("alert")).to_contain_text("Dana")
    expect(desk.locator("#claim")).to_be_focused()


@pytest.mark.parametrize("path", ["/callbacks", "/callbacks/{id}"])
def test_a_stale_dialog_says_so_keeps_what_was_typed_and_shows_the_fresh_row_or_page(
    desk: Page, world: World, dana: User, path: str
) -> None:
    callback = unprocessed(world)
    desk.goto(path.format(id=callback.id))
    desk.get_by_role("link", name="Force").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("seen in PayPal")
    removed_by(callback, dana)
    dialog.get_by_role("button", name="Open the order without PayPal IPN's confirmation").click()
    expect(dialog.get_by_role("alert")).to_contain_text("removed by Dana")
    expect(dialog.get_by_role("button", name="Open the order")).to_have_count(0)
    expect(dialog.get_by_label("Reason")).to_have_value("seen in PayPal")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_role("link", name="Close").click()
    expect(desk.get_by_role("button", name="Restore")).to_be_visible()


def test_without_javascript_claims_notes_and_stale_pages_hold_too(plain_desk: Page, world: World, dana: User) -> None:
    callback = unprocessed(world)
    here = f"/callbacks/{callback.id}"
    plain_desk.goto(here)
    plain_desk.get_by_role("button", name="I’m on it").click()
    expect(plain_desk).to_have_url(here)
    expect(plain_desk.locator("#claim")).to_contain_text("You are on it")
    plain_desk.get_by_label("A new note").fill("y" * 2001)
    plain_desk.get_by_role("button", name="Add note").click()
    expect(plain_desk.get_by_label("A new note")).to_have_value("y" * 2001)
    plain_desk.get_by_label("A new note").fill("They look.")
    plain_desk.get_by_role("button", name="Add note").click()
    expect(plain_desk).to_have_url(here)
    expect(plain_desk.locator("#notes-list")).to_contain_text("They look.")
    plain_desk.get_by_role("link", name="Remove").click()
    plain_desk.get_by_label("Reason").fill("mine")
    removed_by(callback, dana)
    plain_desk.get_by_role("button", name="Mark as invalid").click()
    expect(plain_desk.get_by_text("This callback is removed by Dana")).to_be_visible()
    expect(plain_desk.get_by_label("Reason")).to_have_value("mine")
    plain_desk.get_by_role("link", name="Close").click()
    expect(plain_desk).to_have_url(here)
    expect(plain_desk.locator("#claim")).not_to_contain_text("on it")


def test_the_evidence_page_is_opened_and_printed(desk: Page, world: World, tmp_path: Path) -> None:
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}")
    desk.get_by_role("link", name="Evidence").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(f"Evidence: callback {callback.id}")
    expect(desk.get_by_role("button", name="Print")).to_be_visible()
    paper = desk.pdf(path=tmp_path / "evidence.pdf", prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    desk.goto("/activity")
    expect(desk.get_by_role("row", name="took its evidence page")).to_contain_text(f"callback {callback.id}")


def test_the_menu_to_hand_on_stays_open_while_the_page_follows_what_others_do(
    desk: Page, dana: User, world: World
) -> None:
    callback = unprocessed(world)
    desk.goto(f"/callbacks/{callback.id}")
    desk.get_by_text("Hand on…").click()
    for _ in range(2):
        desk.wait_for_event("response", lambda response: response.url.endswith("/people") or "/people?" in response.url)
    desk.get_by_role("button", name="Dana").click()
    expect(desk.locator("#claim")).to_contain_text("Dana has it")
    expect(desk.locator("#claim details[open]")).to_have_count(0)


def test_what_is_nobodys_is_handed_on_and_the_rest_is_found_in_a_view_for_all_of_the_shop(
    desk: Page, danas: Page, world: World
) -> None:
    known, other = unprocessed(world), unprocessed(world)
    desk.goto("/callbacks")
    desk.locator("summary", has_text="+ filter").click()
    desk.get_by_label("In whose hands").select_option("nobody")
    desk.get_by_role("button", name="Show", exact=True).click()
    expect(desk.locator("tr.call")).to_have_count(2)
    desk.goto(f"/callbacks/{known.id}?on=nobody")
    desk.get_by_label("A new note").fill("Dana knows the customer.")
    desk.get_by_role("button", name="Add note").click()
    expect(desk.locator("#notes")).to_contain_text("Dana knows the customer.")
    expect(desk.get_by_label("A new note")).to_have_value("")
    desk.get_by_text("Hand on…").click()
    desk.get_by_role("button", name="Dana").click()
    expect(desk.locator("#claim")).to_contain_text("Dana has it")

    desk.goto("/callbacks?on=nobody")
    expect(desk.locator("tr.call")).to_have_count(1)
    desk.get_by_text("Save view", exact=True).click()
    desk.get_by_label("Name of the view").fill("Left lying")
    desk.get_by_label("For all of this shop").check()
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_role("link", name="Left lying")).to_have_attribute("aria-current", "true")

    danas.goto("/callbacks")
    danas.get_by_role("navigation", name="Saved views").get_by_role("link", name="Left lying").click()
    expect(danas.locator(f"#callback-{other.id}")).to_be_visible()
    expect(danas.locator(f"#callback-{known.id}")).to_have_count(0)
    danas.goto("/callbacks")
    danas.locator("summary", has_text="+ filter").click()
    danas.get_by_label("In whose hands").select_option("me")
    danas.get_by_label("With notes").check()
    danas.get_by_role("button", name="Show", exact=True).click()
    expect(danas.locator(f"#callback-{known.id}")).to_be_visible()
    expect(danas.locator(f"#callback-{other.id}")).to_have_count(0)
