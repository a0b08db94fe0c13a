"""A bad night with many unprocessed callbacks: by cause, selected, previewed, done in the background, undone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import OrderState, State, Verb
from shopcallbacks.extensions import db
from tests.factories import make_account, make_shop, message, request_for

from .conftest import World

SOON = 30_000


def badly_signed(world: World, count: int) -> list[Callback]:
    """Genuine callbacks of a gateway whose new secret nobody has entered yet."""
    signer = make_account(make_shop(), signing_secrets=["whsec_new"])
    world.stripe.configure({"signing_secrets": ["whsec_old"]})
    world.stripe.secrets[-1].ends_at = world.stripe.secrets[-1].starts_at
    db.session.commit()
    calls = [world.call(world.stripe, request_for(signer, message(world.order()))) for _ in range(count)]
    return [world.looked_at(callback) for callback in calls]


def test_all_of_a_cause_are_previewed_retried_and_told_of(desk: Page, world: World) -> None:
    callbacks = badly_signed(world, 8)
    desk.goto("/callbacks")
    desk.get_by_role("link", name="By cause").click()
    expect(desk.get_by_role("heading", name="Signature does not match")).to_contain_text("8 callbacks")
    world.stripe.configure({"signing_secrets": ["whsec_new"]})
    db.session.commit()
    desk.reload()
    desk.get_by_role("region", name="Signature does not match").get_by_text("More").click()
    desk.get_by_role("link", name=re.compile("Retry all 8")).click()
    expect(desk.get_by_text("8 orders open")).to_be_visible()
    desk.get_by_role("button", name="Retry 8 callbacks").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    expect(desk.get_by_role("progressbar")).to_have_js_property("value", 8)
    db.session.expire_all()
    assert {callback.order and callback.order.state for callback in callbacks} == {OrderState.open}


def test_rows_selected_by_keyboard_are_removed_and_restored_by_undo(desk: Page, world: World) -> None:
    callbacks = badly_signed(world, 4)
    desk.goto("/callbacks")
    for callback in callbacks[:2]:
        desk.locator(f"#callback-{callback.id}").focus()
        desk.keyboard.press("x")
    expect(desk.get_by_text("2 selected")).to_be_visible()
    desk.get_by_role("button", name="Remove 2").click()
    desk.get_by_label("Reason").fill("copies")
    desk.get_by_role("button", name="Mark 2 callbacks as invalid").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_role("heading", name="Restore 2 callbacks")).to_be_visible()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=SOON)
    db.session.expire_all()
    assert {callback.state for callback in callbacks} == {State.unprocessed}


def test_all_that_match_are_those_of_one_filter_and_not_of_the_next(desk: Page, world: World) -> None:
    first, *_ = badly_signed(world, 3)
    first.do(Verb.remove, None, "a copy")
    db.session.commit()
    desk.goto("/callbacks")
    desk.get_by_label("all 2 that match").check()
    expect(desk.locator("[data-picked]")).to_have_text("All that match")
    desk.locator("#tab-invalid").click()
    expect(desk.get_by_label("all 1 that match")).not_to_be_checked()
    expect(desk.locator("[data-picked]")).to_have_text("Select rows")
    expect(desk.locator("#bulk").get_by_role("button", name="Restore")).to_be_disabled()


def test_the_same_works_without_script(plain_desk: Page, world: World) -> None:
    badly_signed(world, 2)
    plain_desk.goto("/callbacks")
    plain_desk.get_by_label("Select all on this page").check()
    plain_desk.get_by_role("button", name="Remove").first.click()
    plain_desk.get_by_label("Reason").fill("copies")
    plain_desk.get_by_role("button", name="Mark 2 callbacks as invalid").click()
    expect(plain_desk.get_by_role("heading", name="Remove 2 callbacks")).to_be_visible()
