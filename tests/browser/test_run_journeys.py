"""A bulk run in the browser: what it would do, how far it is, paused and resumed, stopped by itself, its receipt."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from tests.factories import make_account, message, request_for

from .conftest import World, htmx_there
from .test_bulk_journeys import SOON, badly_signed

FILE = {"Content-Type": "text/csv", "Content-Disposition": "attachment; filename=run.csv"}
# To a form: what leaves its page where it is.
ANSWERS: dict[str, Any] = {"nothing": {"status": 204}, "a file": {"body": "a,b", "headers": FILE}}


def test_the_question_tells_of_mixed_effects_and_the_run_does_just_that(desk: Page, world: World) -> None:
    """One order opens, one has gone meanwhile, one is paid already, one is not there."""
    signer = make_account(world.shop)
    orders = [world.order() for _ in range(3)]
    world.stripe.configure({"signing_secrets": ["whsec_old"]})
    world.stripe.secrets[-1].ends_at = world.stripe.secrets[-1].starts_at
    db.session.commit()
    waiting = [
        world.looked_at(world.call(world.stripe, request_for(signer, message(order))))
        for order in (*orders, "251123-nowhere")
    ]
    moves.cancel(orders[1].id, "the shop")
    db.session.commit()
    world.looked_at(world.call(signer, message(orders[2])))
    world.stripe.configure({"signing_secrets": ["whsec_test"]})
    db.session.commit()
    desk.goto("/callbacks")
    desk.get_by_label("all 4 that match").check()
    expect(desk.get_by_text("All that match", exact=True)).to_be_visible()
    desk.get_by_role("button", name="Retry 4").click()
    effects = desk.locator(".effects")
    expect(effects).to_contain_text("1 order opens: 59.90 EUR")
    expect(effects).to_contain_text("1 stays unprocessed, and is passed over: Paid, but the order is cancelled")
    expect(effects).to_contain_text("1 stays unprocessed, and is passed over: Paid, but the order is paid already")
    expect(effects).to_contain_text("1 stays unprocessed, and is passed over: No such order")
    desk.get_by_label("Stop by itself when more than").fill("100")
    desk.get_by_role("button", name="Retry the one that may succeed").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    for place, callback in enumerate(waiting, 1):  # the oldest first, and it succeeds: so the run goes on to the rest
        expect(desk.locator(f"#item-{place}").get_by_role("link")).to_have_text(str(callback.id))
    expect(desk.locator("#item-1")).to_contain_text("Succeeded: order opened")
    for place in (2, 3, 4):
        expect(desk.locator(f"#item-{place}")).to_contain_text("would fail again: ")
    expect(desk.locator(".effects")).to_contain_text("Orders that are open by it: 59.90 EUR")


def test_a_run_is_paused_and_goes_on_after_a_restart(desk: Page, world: World) -> None:
    badly_signed(world, 3)
    world.stripe.configure({"signing_secrets": ["whsec_new"]})
    db.session.commit()
    world.live.stop("worker")
    desk.goto("/bulk/new?verb=retry&all=1")
    desk.get_by_role("button", name="Retry 3 callbacks").click()
    expect(desk.get_by_text("Running.")).to_be_visible()
    expect(desk.get_by_role("progressbar", name="Done")).to_have_js_property("value", 0)
    desk.locator("#run details.menu summary").click()
    for _ in range(2):  # it asks for itself anew
        with desk.expect_response(lambda answer: "/bulk/" in answer.url):
            pass
    expect(desk.locator("#run details.menu")).to_have_attribute("open", "")
    desk.get_by_role("button", name="Pause").click()
    expect(desk.get_by_text("Paused.")).to_be_visible()
    world.worker_is_back()
    desk.get_by_role("button", name="Resume").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    expect(desk.get_by_role("progressbar", name="Done")).to_have_js_property("value", 3)


def test_a_run_that_fails_stops_by_itself_and_the_rest_is_left_alone(desk: Page, world: World, tmp_path: Path) -> None:
    callbacks = [world.looked_at(world.call(world.paypal, message(world.order()))) for _ in range(3)]
    desk.goto("/callbacks")
    desk.get_by_label("Select all on this page").check()
    desk.get_by_role("button", name="Retry 3").click()
    expect(desk.get_by_text("3 can't be foreseen: PayPal IPN is asked")).to_be_visible()
    desk.get_by_role("button", name="Retry 3 callbacks").click()
    expect(desk.get_by_text("Stopped by itself.")).to_be_visible(timeout=SOON)
    expect(desk.get_by_text("The first one failed.")).to_be_visible()
    desk.get_by_role("button", name="Cancel the rest").click()
    expect(desk.get_by_text("Cancelled.")).to_be_visible()
    expect(desk.get_by_text("2 were left as they were.")).to_be_visible()
    with desk.expect_download() as download:
        desk.get_by_text("Download", exact=True).click()
        desk.get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "receipt.csv")
    with (tmp_path / "receipt.csv").open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3
    assert attempts_of(callbacks) == [1, 1, 2]


def test_a_run_that_ends_turns_the_button_that_has_the_focus_into_no_other(desk: Page, world: World) -> None:
    """Who is about to press Pause presses nothing, instead of Undo."""
    badly_signed(world, 2)
    world.live.stop("worker")
    desk.goto("/bulk/new?verb=remove&all=1")
    desk.get_by_label("Reason").fill("copies")
    desk.get_by_role("button", name="Mark 2 callbacks as invalid").click()
    expect(desk.get_by_role("button", name="Pause")).to_be_visible()  # the page before has htmx too
    htmx_there(desk)
    desk.get_by_role("button", name="Pause").focus()
    run = db.session.query(BulkRun).filter_by(shop_id=world.shop.id).one()
    run.succeeded = run.total
    run.end(RunState.done)
    db.session.commit()
    expect(desk.get_by_role("button", name="Undo")).to_be_visible()
    expect(desk.locator("#run")).to_be_focused()
    expect(desk.get_by_role("button", name="Pause")).to_have_count(0)
    world.worker_is_back()


def test_a_second_press_before_the_answer_begins_no_second_run(desk: Page, world: World) -> None:
    badly_signed(world, 2)
    held: list[Route] = []
    desk.route(re.compile("/bulk$"), lambda route: held.append(route))
    desk.goto("/bulk/new?verb=remove&all=1")
    desk.get_by_label("Reason").fill("copies")
    box = desk.get_by_role("button", name="Mark 2 callbacks as invalid").bounding_box()
    assert box is not None
    with desk.expect_request(re.compile("/bulk$")):
        desk.mouse.click(box["x"] + 9, box["y"] + 9)
    desk.mouse.click(box["x"] + 9, box["y"] + 9)
    held[0].continue_()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    assert len(held) == 1


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_form_is_sent_again_where_its_page_stays(desk: Page, world: World, kind: str) -> None:
    badly_signed(world, 1)
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(**ANSWERS[kind])

    desk.route(re.compile("/bulk$"), take)
    desk.goto("/bulk/new?verb=remove&all=1")
    for _ in range(2):
        desk.get_by_label("Reason").fill("copies")
        with desk.expect_event("requestfinished"):
            desk.get_by_role("button", name="Mark 1 callback as invalid").click()
    assert len(sent) == 2


def attempts_of(callbacks: list[Callback]) -> list[int]:
    db.session.rollback()
    for callback in callbacks:
        db.session.refresh(callback)
    return sorted(callback.attempt_count for callback in callbacks)
