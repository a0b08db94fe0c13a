"""What a shop manager does on a bad Friday night."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import OrderState, State, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.factories import make_shop, make_user, message, request_of
from tests.processes import until

from .conftest import World, log_in

SOON = 15_000


def row_of(page: Page, callback: Callback) -> Locator:
    return page.locator(f"#callback-{callback.id}")


def unprocessed(world: World) -> Callback:
    """A genuine PayPal callback whose validation fails: PayPal says it did not send it."""
    return world.looked_at(world.call(world.paypal, message(world.order())))


def test_a_genuine_payment_opens_the_order_while_the_dashboard_is_open(desk: Page, world: World) -> None:
    desk.goto("/")
    expect(desk.get_by_role("heading", name="Five steps, and your shop runs")).to_be_visible()
    order = world.order()
    world.call(world.stripe, message(order))
    expect(desk.get_by_role("heading", name="All callbacks are processed")).to_contain_text("Stripe", timeout=SOON)
    desk.goto(f"/orders?number={order.number}")
    expect(desk.get_by_role("row", name=order.number)).to_contain_text("open")


def test_a_failed_validation_is_seen_retried_and_forced_and_all_follow_without_a_reload(
    desk: Page, world: World
) -> None:
    callback = unprocessed(world)
    order = callback.order
    assert order is not None
    dashboard = desk.context.new_page()
    dashboard.goto("/")
    expect(dashboard.locator(".queue-number")).to_have_text("1")
    expect(dashboard.locator("#queue")).to_contain_text("59.90 EUR")

    dashboard.get_by_role("link", name="Review 1 callback").click()
    expect(row_of(dashboard, callback)).to_be_visible()
    dashboard.goto("/")
    desk.goto("/callbacks")
    row = row_of(desk, callback)
    expect(row).to_contain_text("PayPal IPN says it did not send this")
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text("Tried again: PayPal IPN still says no", timeout=SOON)
    expect(row.get_by_role("button", name="Retry")).to_be_visible()
    expect(row).to_contain_text("PayPal IPN says it did not send this")

    row.get_by_role("link", name="Force").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("The check with PayPal IPN is skipped, nothing else")
    expect(dialog).to_contain_text("temporary")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill("payment seen in PayPal")
    dialog.get_by_role("button", name="Open the order without PayPal IPN's confirmation").click()
    expect(row).to_contain_text("Processed: order opened", timeout=SOON)
    expect(row).to_contain_text("payment seen in PayPal")
    expect(dialog).to_be_hidden()
    expect(dashboard.get_by_role("heading", name="All callbacks are processed")).to_be_visible(timeout=SOON)
    expect(desk.locator("#waiting-count")).not_to_contain_text("1", timeout=SOON)
    db.session.rollback()
    db.session.refresh(order)
    assert order.state is OrderState.open


def test_a_callback_is_removed_found_under_invalid_and_restored(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    desk.goto("/callbacks")
    row = row_of(desk, callback)
    row.get_by_role("link", name="Remove").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("a test of the old shop")
    dialog.get_by_role("button", name="Mark as invalid").click()
    expect(row.get_by_role("button", name="Restore")).to_be_visible()
    desk.get_by_role("navigation", name="State").get_by_role("link", name="Invalid").click()
    expect(desk).to_have_url("/callbacks?tab=invalid")
    row.get_by_role("button", name="Restore").click()
    expect(row.get_by_role("button", name="Retry")).to_be_visible()
    desk.go_back()
    expect(desk).to_have_url("/callbacks")
    expect(row_of(desk, callback)).to_be_visible()
    db.session.rollback()
    db.session.refresh(callback)
    assert callback.state is State.unprocessed


def test_the_csv_of_what_is_shown_is_downloaded(desk: Page, world: World, tmp_path: Path) -> None:
    first = unprocessed(world)
    other = world.looked_at(world.call(world.stripe, message(world.order(), money=Money(1, "EUR"))))
    desk.goto("/callbacks?reason=amount_mismatch")
    with desk.expect_download() as download:
        desk.get_by_text("Download", exact=True).click()
        desk.get_by_role("link", name="CSV", exact=True).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.startswith(f"callbacks-{world.shop.slug}-")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["id"] for row in rows] == [str(other.id)]
    assert str(first.id) not in {row["id"] for row in rows}


@pytest.mark.parametrize("path", ["/", "/callbacks", "/callbacks.csv", "/orders", "/activity", "/settings"])
def test_a_log_in_is_needed_everywhere(page: Page, world: World, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_another_shops_callback_is_not_there(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    stranger = make_user(Role.manager, make_shop())
    desk.context.clear_cookies()
    log_in(desk, stranger)
    response = desk.goto(f"/callbacks/{callback.id}")
    assert response is not None
    assert response.status == 404


def test_a_viewer_reads_only(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    viewer = make_user(Role.viewer, world.shop)
    desk.context.clear_cookies()
    log_in(desk, viewer)
    desk.goto("/callbacks")
    row = row_of(desk, callback)
    expect(row).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    expect(row.get_by_role("link", name="Force")).to_have_count(0)


def test_two_managers_on_one_row_have_one_effect_and_the_other_sees_why(desk: Page, world: World) -> None:
    callback = unprocessed(world)
    desk.goto("/callbacks")
    row = row_of(desk, callback)
    expect(row).to_be_visible()
    other = make_user(Role.manager, world.shop)
    callback = db.session.get_one(Callback, callback.id)
    callback.do(Verb.remove, other, "not ours")
    db.session.commit()
    row.get_by_role("button", name="Retry").click()
    expect(row.get_by_role("alert")).to_contain_text("moved on since you saw it: removed by Manager Person")
    expect(row.get_by_role("button", name="Restore")).to_be_visible()


def test_the_callbacks_page_shows_the_original_and_what_each_action_would_do(desk: Page, world: World) -> None:
    order = world.order()
    callback = world.looked_at(world.call(world.stripe, message(order, money=Money(599, "EUR"))))
    desk.goto(f"/callbacks/{callback.id}")
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Stripe says paid")
    expect(desk.get_by_text("order 59.90 EUR, callback 5.99 EUR").first).to_be_visible()
    expect(desk.get_by_role("link", name="Force")).to_have_count(0)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download original").click()
    assert Path(download.value.path()).read_bytes() == request_of(callback).body


# Without JavaScript


def test_without_javascript_a_failed_validation_is_retried_and_forced(plain_desk: Page, world: World) -> None:
    callback = unprocessed(world)
    plain_desk.goto("/callbacks")
    row_of(plain_desk, callback).get_by_role("button", name="Retry").click()
    expect(plain_desk).to_have_url("/callbacks")
    until_attempts(callback, 2)
    plain_desk.reload()
    row_of(plain_desk, callback).get_by_role("link", name="Force").click()
    expect(plain_desk.get_by_role("heading", name="Force this callback?")).to_be_visible()
    plain_desk.get_by_label("Reason").fill("payment seen in PayPal")
    plain_desk.get_by_role("button", name="Open the order without PayPal IPN's confirmation").click()
    until_attempts(callback, 3)
    assert callback.order is not None
    plain_desk.goto(f"/orders?number={callback.order.number}")
    expect(plain_desk.get_by_role("row", name=callback.order.number)).to_contain_text("open")


def test_without_javascript_a_callback_is_removed_and_restored(plain_desk: Page, world: World) -> None:
    callback = unprocessed(world)
    plain_desk.goto("/callbacks")
    row_of(plain_desk, callback).get_by_role("link", name="Remove").click()
    plain_desk.get_by_label("Reason").fill("not ours")
    plain_desk.get_by_role("button", name="Mark as invalid").click()
    plain_desk.goto("/callbacks?tab=invalid")
    row_of(plain_desk, callback).get_by_role("button", name="Restore").click()
    plain_desk.goto("/callbacks")
    expect(row_of(plain_desk, callback)).to_be_visible()


def until_attempts(callback: Callback, count: int) -> None:
    def done() -> bool:
        db.session.rollback()
        db.session.refresh(callback)
        return callback.attempt_count >= count

    until(done)
