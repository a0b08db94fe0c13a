"""What the server refuses is said where the eye is; what was typed stays, the page stays, and one can go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_user, message, request_for
from tests.processes import until

from .conftest import World, log_in

HERE = "/callbacks?reason=not_genuine&sort=age"
TYPED = "not ours, she says"


@pytest.fixture
def callback(world: World) -> Callback:
    """Signed by a stranger."""
    stranger = make_account(signing_secrets=["whsec_forged"])
    return world.looked_at(world.call(world.stripe, request_for(stranger, message(world.order()))))


@pytest.fixture
def dialog(desk: Page, callback: Callback) -> Locator:
    """A removal is asked about, and its reason typed; the list behind it is filtered."""
    desk.goto(HERE)
    desk.locator(f"#callback-{callback.id}").get_by_role("link", name="Remove").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(TYPED)
    return dialog


Meddle = Callable[[Page, Callback], None]


@dataclass(frozen=True)
class Refusal:
    """What happens between the question and the answer, and what is said of it."""

    meddle: Meddle
    says: str


def answered(status: int, sentence: str = "", **headers: str) -> Meddle:
    """By the product, in a sentence; without one by something before it, with a page of its own."""
    kind = "text/plain; charset=utf-8" if sentence else "text/html"
    body = sentence or f"<html><body><h1>{status}</h1></body></html>"

    def meddle(page: Page, callback: Callback) -> None:
        def answer(route: Route) -> None:
            route.fulfill(status=status, body=body, headers={"Content-Type": kind, **headers})

        page.route("**/removal", answer)

    return meddle


def cut_off(page: Page, callback: Callback) -> None:
    page.route("**/removal", lambda route: route.abort())


def moved_on(page: Page, callback: Callback) -> None:
    db.session.rollback()
    db.session.refresh(callback)
    callback.do(Verb.retry, None)
    db.session.commit()


def logged_out(page: Page, callback: Callback) -> None:
    page.context.clear_cookies()


def untyped(page: Page, callback: Callback) -> None:
    page.get_by_role("dialog").get_by_label("Reason").fill(" ")


REFUSALS = {
    "400": Refusal(answered(400, "That did not work. Load the page again."), "That did not work."),
    "401": Refusal(logged_out, "You are logged out. Nothing was done."),
    "403": Refusal(answered(403, "You may look, not act. Your role reads only."), "You may look, not act."),
    "404": Refusal(answered(404, "There is nothing here. It does not exist."), "There is nothing here."),
    "409": Refusal(moved_on, "This callback has moved on since you saw it"),
    "413": Refusal(answered(413), "Too large. Nothing was done"),
    "422": Refusal(untyped, "Say why"),
    "429": Refusal(answered(429), "Too many at a time. Nothing was done"),
    "500": Refusal(answered(500, "Something broke on our side."), "Something broke on our side."),
    "503": Refusal(answered(503, "The database can't be reached."), "The database can't be reached."),
    "a proxy's 502": Refusal(answered(502), "It was refused (502)."),
    "no connection": Refusal(cut_off, "The server did not answer"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_in_a_dialog_it_is_said_there_and_what_was_typed_stays(
    desk: Page, dialog: Locator, callback: Callback, name: str
) -> None:
    refusal = REFUSALS[name]
    refusal.meddle(desk, callback)
    dialog.get_by_role("button", name="Mark as invalid").click()
    expect(dialog.get_by_role("alert")).to_contain_text(refusal.says)
    expect(dialog.get_by_role("alert")).to_be_in_viewport()
    expect(dialog.get_by_label("Reason")).to_have_value(TYPED if name != "422" else " ")
    expect(desk).to_have_url(HERE)
    db.session.rollback()
    db.session.refresh(callback)
    assert callback.state is State.unprocessed


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 503])
def test_without_a_dialog_it_is_said_on_top_and_the_row_stays(
    desk: Page, world: World, callback: Callback, status: int
) -> None:
    desk.goto(f"/callbacks/{callback.id}")
    desk.route("**/retry", lambda route: route.fulfill(status=status, body="It is so.", content_type="text/plain"))
    desk.get_by_role("button", name="Retry").click()
    expect(desk.locator("#trouble")).to_have_text("It is so.")
    expect(desk.locator("#trouble")).to_be_in_viewport()
    expect(desk.get_by_role("button", name="Retry")).to_be_enabled()


def test_who_was_logged_out_logs_in_in_another_tab_and_goes_on_where_they_were(
    desk: Page, world: World, dialog: Locator, callback: Callback
) -> None:
    desk.context.clear_cookies()
    button = dialog.get_by_role("button", name="Mark as invalid")
    button.click()
    way = dialog.get_by_role("link", name="Log in in another tab")
    with desk.context.expect_page() as opened:
        way.click()
    other = opened.value
    expect(other.get_by_text("You are logged out.")).to_be_visible()
    expect(other.locator("input[name=next]")).to_have_value(HERE)
    log_in(other, world.manager)
    other.close()
    desk.bring_to_front()
    desk.wait_for_function("!document.hidden")  # a moment later on a busy machine
    desk.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(dialog.get_by_role("alert")).to_have_text("You are logged in again. Press once more.")
    expect(dialog.get_by_label("Reason")).to_have_value(TYPED)
    button.click()
    expect(dialog).to_be_hidden()

    def removed() -> bool:
        db.session.rollback()
        db.session.refresh(callback)
        return callback.state is State.invalid

    until(removed)


def test_a_page_older_than_the_log_in_goes_on_too(
    desk: Page, world: World, dialog: Locator, callback: Callback
) -> None:
    """Logged out and in again in another tab, unseen by this one: the first press renews it."""
    desk.context.clear_cookies()
    log_in(desk, world.manager)
    button = dialog.get_by_role("button", name="Mark as invalid")
    button.click()
    expect(dialog.get_by_role("alert")).to_have_text("You are logged in again. Press once more.")
    button.click()
    expect(dialog).to_be_hidden()


def test_a_page_on_which_another_person_logged_in_does_not_act_for_them(
    desk: Page, world: World, dialog: Locator, callback: Callback
) -> None:
    desk.context.clear_cookies()
    log_in(desk, make_user(Role.manager, world.shop))
    dialog.get_by_role("button", name="Mark as invalid").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Somebody else is logged in now.")
    dialog.get_by_role("button", name="Mark as invalid").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Somebody else is logged in now.")
    db.session.rollback()
    db.session.refresh(callback)
    assert callback.state is State.unprocessed


def test_an_open_page_says_that_one_is_logged_out_until_one_is_logged_in(
    desk: Page, world: World, callback: Callback
) -> None:
    desk.goto(HERE)
    desk.context.clear_cookies()
    trouble = desk.locator("#trouble")
    expect(trouble).to_contain_text("You are logged out.", timeout=60_000)
    expect(trouble.get_by_role("link", name="Log in in another tab")).to_have_attribute(
        "href", "/login?next=%2Fcallbacks%3Freason%3Dnot_genuine%26sort%3Dage"
    )
    expect(desk).to_have_url(HERE)
    log_in(desk, world.manager)
    expect(trouble).to_be_hidden(timeout=60_000)


def test_a_browser_that_does_not_know_the_zone_says_that_the_server_is_away(desk: Page, callback: Callback) -> None:
    desk.goto("/callbacks")
    desk.evaluate("() => { document.body.dataset.zone = 'Europe/Atlantis'; }")
    desk.route("**/callbacks/news*", lambda route: route.abort())
    expect(desk.locator("#trouble")).to_contain_text("The server can't be reached since", timeout=15_000)


def test_after_midnight_the_hour_is_0(desk: Page, callback: Callback) -> None:
    desk.clock.set_fixed_time("2026-11-29T00:05:00Z")
    desk.goto("/callbacks")
    desk.evaluate("() => { document.body.dataset.zone = 'UTC'; lost(); }")
    expect(desk.locator("#trouble")).to_contain_text("since 00:05:00.")


def test_what_is_refused_pushes_nothing_away(desk: Page, callback: Callback) -> None:
    desk.goto("/callbacks")
    row = desk.locator(f"#callback-{callback.id}")
    before = row.bounding_box()
    desk.route("**/retry", lambda route: route.fulfill(status=403, body="It is so.", content_type="text/plain"))
    row.get_by_role("button", name="Retry").click()
    expect(desk.locator("#trouble")).to_have_text("It is so.")
    assert row.bounding_box() == before
