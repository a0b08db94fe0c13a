"""Money that waits for a person's word: a manager lets the order take it, has it owed back, or has dealt with it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text

from shopcallbacks.bells import ring
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.domain.states import Lane, OrderState, State, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from tests.factories import message
from tests.processes import until

from .conftest import World, held_up

SOON = 15_000


def late(world: World) -> Callback:
    """Paid after the shop had given the order up."""
    order = world.order()
    moves.cancel(order.id, "the shop")
    db.session.commit()
    return world.looked_at(world.call(world.stripe, message(order)))


def row_of(page: Page, callback: Callback) -> Locator:
    return page.locator(f"#callback-{callback.id}")


def offered(page: Page, callback: Callback, verb: str) -> Locator:
    """The verb in its row: a button, or behind More."""
    row = row_of(page, callback)
    link = row.get_by_role("link", name=verb)
    more = row.locator("summary", has_text="More")
    if more.count() and not link.is_visible():
        more.click()
    return link


def decide(page: Page, callback: Callback, verb: str, why: str, button: str) -> None:
    offered(page, callback, verb).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(why)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()


def test_the_lane_is_found_from_the_dashboard_and_each_decision_is_told_where_it_was_taken(
    desk: Page, world: World
) -> None:
    first, second, third, fourth = (late(world) for _ in range(4))
    desk.goto("/")
    expect(desk.locator("#undecided")).to_contain_text("4 payments to decide on: 239.60 EUR")
    desk.get_by_role("link", name="Decide on money").click()

    row_of(desk, first).get_by_role("link", name="Reopen").click()
    expect(desk.get_by_role("dialog")).to_contain_text("cancelled → open")
    desk.keyboard.press("Escape")
    assert first.order is not None
    decide(desk, first, "Reopen", "she still wants it", f"Reopen order {first.order.number}")
    expect(row_of(desk, first)).to_contain_text("Processed: order reopened", timeout=SOON)
    expect(row_of(desk, first)).to_contain_text("she still wants it")

    decide(desk, second, "Needs refund", "sold out", "Book it as owed back")
    expect(row_of(desk, second)).to_contain_text("Processed: payment owed back", timeout=SOON)

    decide(desk, third, "Dealt with", "booked in the shop", "Mark as dealt with")
    expect(row_of(desk, third)).to_contain_text("dealt with by you")
    expect(row_of(desk, third).get_by_role("button", name="Restore")).to_be_visible()

    offered(desk, fourth, "Remove").click()
    expect(desk.get_by_role("dialog")).to_contain_text("For what is fake or not yours.")
    desk.get_by_role("dialog").get_by_role("link", name="dealt with").click()
    expect(desk.get_by_role("dialog", name="Is it dealt with?")).to_be_visible()
    desk.keyboard.press("Escape")
    decide(desk, fourth, "Remove", "another shop's", "Mark as invalid")
    expect(row_of(desk, fourth).get_by_role("button", name="Restore")).to_be_visible()

    db.session.expire_all()
    states = [callback.order and callback.order.state for callback in (first, second, third, fourth)]
    assert states == [OrderState.open, *[OrderState.cancelled] * 3]
    assert [third.state, fourth.state] == [State.processed, State.invalid]


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
    dialog.get_by_role("button", name="It was given back").click()
    expect(desk.get_by_text("Nothing is owed back.")).to_be_visible()
    desk.goto(f"/orders/{callback.order.id}")
    expect(desk.get_by_text("Money owed given back").first).to_be_visible()


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


def differs(world: World, minor: int) -> Callback:
    """Another sum than its order's came in."""
    return world.looked_at(world.call(world.stripe, message(world.order(), money=Money(minor, "EUR"))))


def test_a_sum_that_differs_is_accepted_or_taken_as_a_part(desk: Page, world: World) -> None:
    less, part = differs(world, 5980), differs(world, 3000)
    desk.goto("/callbacks?tab=decide")
    row_of(desk, less).get_by_role("link", name="Accept").click()
    expect(desk.get_by_role("dialog", name="Let this sum be enough?")).to_contain_text("temporary → open; accepted")
    desk.keyboard.press("Escape")
    decide(desk, less, "Accept", "ten cents", "Accept it")
    expect(row_of(desk, less)).to_contain_text("Processed: accepted", timeout=SOON)
    decide(desk, part, "Take as a part", "the rest comes tomorrow", "Take it as a part")
    expect(row_of(desk, part)).to_contain_text("Processed: part paid", timeout=SOON)
    db.session.expire_all()
    assert [one.order and one.order.state for one in (less, part)] == [OrderState.open, OrderState.awaiting_payment]


def which(world: World) -> Callback:
    """A refund that names none of its order's two payments. Stripe's always do, so that it is told otherwise here."""
    order = world.order(customer_email="her@example.com")
    for transaction in ("pi_first", "pi_second"):
        paid = world.looked_at(world.call(world.stripe, message(order, transaction_id=f"{transaction}_{order.id}")))
    paid.do(Verb.take_too, None, "a tip")
    db.session.commit()
    ring(Lane.plain)
    until(lambda: settled(paid))
    callback = world.looked_at(world.call(world.stripe, message(order)))
    assert callback.conflict is Conflict.paid_already
    waits_for = "reason = 'unclear', conflict = 'which_payment'"
    told = f"outcome = 'refunded', transaction_id = NULL, amount_minor = 1000, {waits_for}"
    db.session.execute(text(f"UPDATE callbacks SET {told} WHERE id = {callback.id}"))
    db.session.execute(text(f"UPDATE messages SET {told}, movement = 're_1' WHERE callback_id = {callback.id}"))
    db.session.commit()
    return callback


def test_the_payment_is_chosen_among_those_that_have_money(desk: Page, world: World) -> None:
    callback = which(world)
    assert callback.order is not None
    desk.goto("/callbacks?tab=decide")
    offered(desk, callback, "Choose the payment").click()
    question = desk.get_by_role("dialog", name="Of which payment is it?")
    expect(question.get_by_role("radio")).to_have_count(2)
    question.get_by_role("radio", name=f"pi_second_{callback.order.id}: 59.90 EUR kept").check()
    expect(question).to_contain_text("stays open; partly refunded")
    question.get_by_label("Reason").fill("seen in Stripe")
    question.get_by_role("button", name="Book it of this payment").click()
    expect(row_of(desk, callback)).to_contain_text("Processed: partly refunded", timeout=SOON)
    db.session.refresh(callback.order)
    assert callback.order.given_back == Money(1000, "EUR")


def test_what_is_owed_is_undone_from_the_tray_and_decided_anew(desk: Page, world: World) -> None:
    callback = late(world)
    desk.goto("/callbacks?tab=decide")
    decide(desk, callback, "Needs refund", "sold out", "Book it as owed back")
    expect(row_of(desk, callback)).to_contain_text("Processed: payment owed back", timeout=SOON)
    expect(row_of(desk, callback).get_by_role("link", name="Decide anew")).to_be_visible()
    desk.goto("/activity/mine")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("It is being put back to be decided.")).to_be_visible()
    until(lambda: waits(callback))
    desk.goto("/callbacks?tab=decide")
    decide(desk, callback, "Reopen", "found one more", "Reopen order")
    expect(row_of(desk, callback)).to_contain_text("Processed: order reopened", timeout=SOON)


def waits(callback: Callback) -> bool:
    db.session.rollback()
    db.session.refresh(callback)
    return callback.state is State.unprocessed


def settled(callback: Callback) -> bool:
    db.session.rollback()
    db.session.refresh(callback)
    return callback.state is State.processed


@pytest.mark.parametrize("scripted", [True, False])
def test_a_callback_is_assigned_to_an_order_near_its_number(
    desk: Page, plain_desk: Page, world: World, scripted: bool
) -> None:
    page = desk if scripted else plain_desk
    order = world.order()
    callback = world.looked_at(world.call(world.stripe, message(f"WEB-{order.number}")))
    page.goto(f"/callbacks/{callback.id}")
    page.get_by_role("link", name="Assign to an order").click()
    question = page.get_by_role("dialog") if scripted else page.locator(".ask-page")
    question.get_by_role("radio", name=order.number).check()
    if not scripted:
        page.get_by_role("button", name="See what it would do").click()
    expect(question).to_contain_text(f"Order {order.number}: temporary → open")
    question.get_by_label("Reason").fill("the prefix is our theme's")
    question.get_by_role("button", name="Assign it").click()
    until(lambda: settled(callback))
    db.session.refresh(order)
    assert order.state is OrderState.open


def test_what_would_happen_is_told_of_the_order_chosen_last_however_quickly(desk: Page, world: World) -> None:
    orders = [world.order() for _ in range(3)]
    callback = world.given_up(world.call(world.stripe, message("251123")))
    desk.goto(f"/callbacks/{callback.id}")
    desk.get_by_role("link", name="Assign to an order").click()
    choices = desk.get_by_role("dialog").get_by_role("radio")
    expect(choices).to_have_count(3)
    expect(choices.first).to_be_focused()
    with held_up(desk, "**/assignment"):
        for key in ("Space", "ArrowDown", "ArrowDown"):
            desk.keyboard.press(key)
    expect(choices.last).to_be_checked()
    expect(desk.locator("#ask-rest")).to_contain_text(f"Order {orders[-1].number}: temporary → open")


def test_a_number_that_is_no_orders_is_told_in_the_question(desk: Page, world: World) -> None:
    callback = world.given_up(world.call(world.stripe, message("elsewhere-1")))
    desk.goto(f"/callbacks/{callback.id}")
    desk.keyboard.press("s")
    question = desk.get_by_role("dialog", name="To which order does it belong?")
    question.get_by_label("Order").fill("nowhere-2")
    question.get_by_label("Reason").fill("so it seems")
    question.get_by_role("button", name="Assign it").click()
    expect(question.get_by_role("alert")).to_have_text("There is no order nowhere-2.")
    db.session.refresh(callback)
    assert (callback.reason, callback.attempt_count) == (Reason.order_not_found, 1)
