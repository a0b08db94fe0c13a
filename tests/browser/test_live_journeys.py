"""Open screens follow what others do, in their place; they rest when nobody looks, and say when they are cut off."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.alerts.rules import AlertRules
from tests.factories import make_callback, message
from tests.processes import until
from tests.receiver import MailBox

from .conftest import World, held_up

SOON = 20_000
# What is changed under an element, without the foot that says until when, and without htmx's own marks of a request.
WATCH = """selector => {
  window.touched = [];
  new MutationObserver((changes) => {
    for (const { type, target, attributeName } of changes) {
      const element = target.nodeType === 1 ? target : target.parentElement;
      if (element?.closest("#queue-foot")) continue;
      window.touched.push(`${type} ${attributeName} ${element?.id} ${element?.tagName}`);
    }
  }).observe(document.querySelector(selector), { subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ["id", "href", "hx-get", "disabled", "title", "checked", "value", "open", "data-mark"] });
}"""
# As a browser that lets us notify; what it would show.
NOTIFICATIONS = """
  window.shown = [];
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, { body }) { window.shown.push([title, body]); }
    close() {}
  };
"""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def row_of(page: Page, callback: Callback) -> Locator:
    return page.locator(f"#callback-{callback.id}")


def waiting(world: World) -> Callback:
    return world.looked_at(world.call(world.stripe, message(world.order(), money=Money(1, "EUR"))))


def polls(page: Page, path: str, count: int) -> None:
    """Until so many answers have come."""
    for _ in range(count):
        with page.expect_response(lambda response: path in response.url, timeout=SOON):
            pass


def removed(callback: Callback) -> None:
    """By another hand."""
    db.session.rollback()
    db.session.refresh(callback)
    callback.do(Verb.remove, None, "a test")
    db.session.commit()


def test_what_another_does_is_seen_in_its_place_and_nothing_of_ones_own_is_lost(desk: Page, world: World) -> None:
    first, second, third = waiting(world), waiting(world), waiting(world)
    desk.goto("/callbacks")
    box = desk.locator(f"#pick-{first.id}")
    box.check()
    box.focus()
    place = row_of(desk, third).bounding_box()
    removed(second)
    expect(row_of(desk, second)).to_contain_text("a test", timeout=SOON)
    expect(row_of(desk, second).get_by_role("button", name="Restore")).to_be_visible()
    expect(desk.locator("#count-unprocessed")).to_have_text("2")
    expect(desk.locator("#count-invalid")).to_have_text("1")
    expect(desk.locator("#waiting-count")).to_contain_text("2")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    after = row_of(desk, third).bounding_box()
    assert place is not None
    assert after is not None
    assert after["y"] == pytest.approx(place["y"], abs=1)
    rows = desk.locator("tr.call")
    assert [rows.nth(n).get_attribute("id") for n in range(3)] == [f"callback-{c.id}" for c in (first, second, third)]


def test_a_row_that_moves_on_keeps_its_box_its_focus_and_the_open_dialog(desk: Page, world: World) -> None:
    callback, other = waiting(world), waiting(world)
    desk.goto("/callbacks")
    row = row_of(desk, other)
    desk.locator(f"#pick-{other.id}").check()
    row.get_by_role("link", name="Accept").focus()
    removed(other)
    expect(row).to_contain_text("a test", timeout=SOON)
    expect(desk.locator(f"#pick-{other.id}")).to_be_checked()
    assert desk.evaluate("id => document.getElementById(id).contains(document.activeElement)", f"callback-{other.id}")

    row_of(desk, callback).locator("summary", has_text="More").click()
    row_of(desk, callback).get_by_role("link", name="Remove").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("half a rea")
    removed(callback)
    expect(row_of(desk, callback)).to_contain_text("a test", timeout=SOON)
    expect(dialog.get_by_label("Reason")).to_have_value("half a rea")
    expect(dialog.get_by_label("Reason")).to_be_focused()


def test_new_rows_are_announced_and_wait_to_be_shown(desk: Page, world: World) -> None:
    old = waiting(world)
    desk.goto("/callbacks")
    place = row_of(desk, old).bounding_box()
    new = waiting(world)
    expect(desk.locator("#news")).to_contain_text("1 new: show", timeout=SOON)
    expect(row_of(desk, new)).to_have_count(0)
    assert row_of(desk, old).bounding_box() == place, "nothing is pushed away"
    desk.locator("#news a").click()
    expect(row_of(desk, new)).to_be_visible()


def test_another_tab_is_not_followed_by_what_was_asked_for_the_one_before(desk: Page, world: World) -> None:
    waiting(world)
    desk.goto("/callbacks")
    with held_up(desk, "**/callbacks/news?*"):
        with desk.expect_request("**/callbacks/news?*"):
            waiting(world)
        desk.locator("#tab-all").click()
        expect(desk.locator("tr.call")).to_have_count(2)
    polls(desk, "/callbacks/news", 2)
    expect(desk.locator("#news")).to_have_attribute("hx-get", re.compile("tab=all"))


def test_of_two_tabs_the_one_clicked_last_is_shown_whichever_answers_first(desk: Page, world: World) -> None:
    waiting(world)
    desk.goto("/callbacks")
    with held_up(desk, "**/callbacks?tab=all"):
        with desk.expect_request("**/callbacks?tab=all"):
            desk.locator("#tab-all").click()
        desk.locator("#tab-invalid").click()
        expect(desk).to_have_url("/callbacks?tab=invalid")
    polls(desk, "/callbacks/news", 2)
    expect(desk).to_have_url("/callbacks?tab=invalid")
    expect(desk.locator("#tab-invalid")).to_have_attribute("aria-current", "page")


def test_an_unchanged_panel_is_not_touched(desk: Page, world: World) -> None:
    callback = waiting(world)
    desk.goto("/callbacks")
    box = desk.locator(f"#pick-{callback.id}")
    box.check()
    box.focus()
    desk.evaluate(WATCH, "#panel")
    polls(desk, "/callbacks/news", 3)
    assert desk.evaluate("window.touched") == []
    expect(box).to_be_checked()
    expect(box).to_be_focused()


def test_an_unchanged_widget_changes_only_its_foot(desk: Page, world: World) -> None:
    old = utcnow() - timedelta(hours=3, seconds=5)  # its age stands still for a while
    world.looked_at(make_callback(world.stripe, message(world.order(), money=Money(1, "EUR")), old))
    desk.goto("/")
    desk.locator("#review").focus()
    desk.evaluate(WATCH, "#queue")
    foot = desk.locator("#queue-foot").inner_text()
    polls(desk, "/queue?seen", 3)
    expect(desk.locator("#queue-foot")).not_to_have_text(foot)
    assert desk.evaluate("window.touched") == []
    expect(desk.locator("#review")).to_be_focused()


def test_a_hidden_tab_asks_for_the_count_in_its_title_only_and_is_fresh_when_seen_again(
    desk: Page, world: World
) -> None:
    waiting(world)
    desk.goto("/")
    expect(desk.locator(".queue-number")).to_have_text("1")
    desk.evaluate(HIDE, True)
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    waiting(world)
    desk.wait_for_timeout(3_500)  # each of them would have asked
    expect(desk).to_have_title(re.compile(r"^\(2\) Dashboard"), timeout=SOON)
    assert {urlsplit(url).path for url in asked} == {"/queue/count"}
    desk.evaluate(HIDE, False)
    expect(desk.locator(".queue-number")).to_have_text("2", timeout=3_000)


def test_a_lost_connection_is_said_with_its_time_until_it_is_back(desk: Page, world: World) -> None:
    waiting(world)
    desk.goto("/callbacks")
    world.live.stop("web")
    try:
        expect(desk.locator("#trouble")).to_contain_text("The server can't be reached since", timeout=SOON)
        since = desk.locator("#trouble").inner_text()
        for _ in range(2):  # the second only after the page has heard of the first
            with desk.expect_event("requestfailed", timeout=SOON):
                pass
        assert desk.locator("#trouble").inner_text() == since
        expect(desk.locator("tr.call")).to_have_count(1)
    finally:
        world.live.start("web")
        world.live.wait()
    expect(desk.locator("#trouble")).to_be_hidden(timeout=SOON)
    waiting(world)
    expect(desk.locator("#news")).to_contain_text("1 new: show", timeout=SOON)


def test_a_worker_that_is_gone_is_said_on_every_page_in_the_row_that_waits_for_it_and_by_mail(
    desk: Page, world: World, box: MailBox
) -> None:
    AlertRules.of(world.shop.id).recipients = "chief@shop.example"
    db.session.commit()
    world.live.stop("worker")
    try:
        db.session.execute(update(Pulse).values(seen_at=utcnow() - timedelta(minutes=4)))
        db.session.commit()
        callback = make_callback(world.stripe, message(world.order()), utcnow() - timedelta(seconds=30))
        for path in ("/", "/orders", "/settings"):
            desk.goto(path)
            expect(desk.get_by_text("The worker has not been seen for")).to_be_visible()
        desk.goto("/callbacks?tab=all")
        expect(row_of(desk, callback)).to_contain_text("waits for the worker")
        db.session.rollback()
        until(lambda: any("worker" in str(letter["Subject"]) for letter in box.letters), 120)  # by the web process
    finally:
        world.live.start("worker")
    expect(row_of(desk, callback)).to_contain_text(re.compile("order opened", re.IGNORECASE), timeout=60_000)
    expect(desk.get_by_text("The worker has not been seen")).to_have_count(0, timeout=60_000)


def test_the_count_stands_in_title_and_picture_of_the_tab_and_on_wish_a_notification_comes(
    desk: Page, world: World
) -> None:
    desk.add_init_script(NOTIFICATIONS)
    waiting(world)
    desk.goto("/preferences")
    desk.get_by_role("button", name="Notify me in this browser").click()
    expect(desk.get_by_role("button", name="Don’t notify me any more")).to_be_visible()
    desk.goto("/orders")
    expect(desk).to_have_title(re.compile(r"^\(1\) Orders"))
    expect(desk.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/svg"))
    desk.evaluate(HIDE, True)
    waiting(world)
    expect(desk).to_have_title(re.compile(r"^\(2\) Orders"))
    assert desk.evaluate("window.shown") == [[world.shop.name, "2 callbacks wait for a person"]]
