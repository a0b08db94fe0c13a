"""Money came in, and the order is gone: a manager reopens it, has it owed back, or says that it is not theirs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from tests.factories import message
from tests.processes import until

from .conftest import World

SOON = 15_000


def late(world: World) -> Callback:
    """Paid after the order was cancelled."""
    order = world.order()
    world.looked_at(world.call(world.stripe, message(order, Outcome.failed)))
    return world.looked_at(world.call(world.stripe, message(order)))


def row_of(page: Page, callback: Callback) -> Locator:
    return page.locator(f"#callback-{callback.id}")


def decide(page: Page, callback: Callback, verb: str, why: str, button: str) -> None:
    row_of(page, callback).get_by_role("link", name=verb).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(why)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()


def test_the_lane_is_found_from_the_dashboard_and_each_decision_is_told_where_it_was_taken(
    desk: Page, world: World
) -> None:
    first, second, third = late(world), late(world), late(world)
    desk.goto("/")
    expect(desk.locator("#undecided")).to_contain_text("3 payments to decide on: 179.70 EUR")
    desk.get_by_role("link", name="Decide on payments").click()

    row_of(desk, first).get_by_role("link", name="Reopen").click()
    expect(desk.get_by_role("dialog")).to_contain_text("cancelled → open")
    desk.keyboard.press("Escape")
    assert first.order is not None
    decide(desk, first, "Reopen", "she still wants it", f"Reopen order {first.order.number}")
    expect(row_of(desk, first)).to_contain_text("Processed: order reopened", timeout=SOON)
    expect(row_of(desk, first)).to_contain_text("she still wants it")

    decide(desk, second, "Needs refund", "sold out", "Book it as owed back")
    expect(row_of(desk, second)).to_contain_text("Processed: payment owed back", timeout=SOON)

    row_of(desk, third).get_by_role("link", name="Not ours").click()
    expect(desk.get_by_role("dialog").get_by_label("Reason")).to_have_value("Not ours")
    desk.get_by_role("dialog").get_by_role("button", name="Mark as invalid").click()
    expect(row_of(desk, third).get_by_role("button", name="Restore")).to_be_visible()

    db.session.expire_all()
    states = [callback.order and callback.order.state for callback in (first, second, third)]
    assert states == [OrderState.open, OrderState.cancelled, OrderState.cancelled]
    assert third.state is State.invalid


def test_a_debt_is_listed_until_a_person_says_that_it_was_given_back(desk: Page, world: World) -> None:
    callback = late(world)
    assert callback.order is not None
    desk.goto("/callbacks?tab=decide")
    decide(desk, callback, "Needs refund", "sold out", "Book it as owed back")
    expect(row_of(desk, callback)).to_contain_text("Processed: payment owed back", timeout=SOON)
    desk.goto("/")
    desk.get_by_role("link", name="Show the orders that owe").click()
    desk.get_by_role("link", name=f"Given back… (order {callback.order.number})").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("How it was given back").fill("refunded in Stripe")
    dialog.get_by_role("button", name="59.90 EUR was given back").click()
    expect(desk.get_by_text("Nothing is owed back.")).to_be_visible()
    desk.goto(f"/orders/{callback.order.id}")
    expect(desk.get_by_text("Money owed given back")).to_be_visible()


def test_all_of_the_lane_is_reopened_at_once(desk: Page, world: World) -> None:
    callbacks = [late(world) for _ in range(3)]
    desk.goto("/callbacks?tab=decide")
    desk.get_by_label("all 3 that match").check()
    desk.get_by_role("button", name="Reopen 3").click()
    expect(desk.get_by_text("3 orders reopen")).to_be_visible()
    expect(desk.get_by_text("179.70 EUR")).to_be_visible()
    desk.get_by_label("Reason").fill("our outage, all can be delivered")
    desk.get_by_role("button", name="Reopen the orders of 3 callbacks").click()
    expect(desk.get_by_text("Done.")).to_be_visible(timeout=2 * SOON)
    db.session.expire_all()
    assert {callback.order and callback.order.state for callback in callbacks} == {OrderState.open}


@pytest.mark.parametrize(
    ("verb", "button", "state"),
    [("Reopen", "Reopen order", OrderState.open), ("Needs refund", "Book it as owed back", OrderState.cancelled)],
)
def test_without_javascript_a_payment_is_decided_on(
    plain_desk: Page, world: World, verb: str, button: str, state: OrderState
) -> None:
    callback = late(world)
    assert callback.order is not None
    plain_desk.goto(f"/callbacks/{callback.id}")
    plain_desk.get_by_role("link", name=verb).click()
    plain_desk.get_by_label("Reason").fill("talked to her")
    plain_desk.get_by_role("button", name=button).click()

    def done() -> bool:
        db.session.rollback()
        db.session.refresh(callback)
        return callback.state is State.processed

    until(done)
    db.session.refresh(callback.order)
    assert callback.order.state is state
