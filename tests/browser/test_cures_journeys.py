"""What is ours to put right: a cause leads to its cure, and what the cure would do is told before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Mode
from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_user, message, request_for

from .conftest import World, held_up, log_in, with_htmx
from .test_bulk_journeys import SOON, badly_signed


@pytest.fixture
def admin(browser: Browser, browser_context_args: dict[str, Any], world: World) -> Iterator[Page]:
    """The admin's browser, beside the manager's."""
    context = browser.new_context(**browser_context_args)
    page = with_htmx(context.new_page())
    log_in(page, make_user(Role.admin, world.shop))
    yield page
    context.close()


@pytest.fixture
def late(world: World) -> list[Callback]:
    """Signed with a secret that the account has retired."""
    (old,) = world.stripe.secrets
    (setting,) = (one for one in world.stripe.gateway.settings if one.is_secret)
    world.stripe.add_secrets(setting, ["whsec_new"], None)
    world.stripe.end_secret(old, utcnow())
    db.session.commit()

    def signed_with_it() -> Request:
        example = world.stripe.gateway.example(world.stripe.settings_with([old])[0], message(world.order()), utcnow())
        assert example is not None
        return example.request

    return [world.looked_at(world.call(world.stripe, signed_with_it())) for _ in range(2)]


def test_a_manager_sends_an_admin_the_link_who_puts_the_secret_back_and_all_are_retried(
    desk: Page, admin: Page, world: World, late: list[Callback]
) -> None:
    desk.goto("/")
    desk.get_by_role("link", name="Review 2 callbacks").click()
    desk.get_by_role("link", name="By cause").click()
    cause = desk.get_by_role("region", name="Signed with a secret you have retired")
    expect(cause.locator(".dot-blue").first).to_be_visible()
    cause.get_by_role("link", name="Ask an admin").click()
    expect(desk.get_by_role("heading", name="Only an admin can do this")).to_be_visible()
    address = desk.get_by_label("Address of this page").input_value()

    admin.goto(address)
    expect(admin.get_by_text("2 callbacks of Stripe.")).to_be_visible()
    put_back = admin.get_by_role("region", name="2 callbacks")
    expect(put_back.get_by_text("2 of the 2 that wait would pass")).to_be_visible()
    put_back.get_by_label("Reason").fill("Stripe still signs with it")
    put_back.get_by_role("button", name="Put back until then").click()
    expect(admin.get_by_text("The secret is in use until then.")).to_be_visible()
    secrets = admin.get_by_role("region", name="Secrets")
    expect(secrets).to_contain_text("2 callbacks that wait pass now")
    secrets.get_by_role("link", name="retry them").click()
    expect(admin.locator(".effects")).to_contain_text("2 orders open: 119.80 EUR")
    admin.get_by_role("button", name="Retry 2 callbacks").click()
    expect(admin.get_by_text("Done.")).to_be_visible(timeout=SOON)
    db.session.expire_all()
    assert {callback.state for callback in late} == {State.processed}
    desk.goto("/callbacks/causes")
    expect(desk.get_by_text("Nothing waits for you: no callback is unprocessed.")).to_be_visible()


def test_before_a_secret_is_saved_it_is_told_what_would_pass_and_then_it_does(admin: Page, world: World) -> None:
    callbacks = badly_signed(world, 2)
    admin.goto(f"/settings/gateways/{world.stripe.id}")
    secrets = admin.get_by_role("region", name="Secrets")
    secrets.get_by_text("Add a secret…").click()
    new = secrets.locator("input[type=password]")
    new.fill("whsec_wrong")
    new.press("Tab")
    expect(secrets.get_by_text("none of the 2 that wait would pass")).to_be_visible()
    new.fill("whsec_new")
    new.press("Tab")
    expect(secrets.get_by_text("With this 2 of the 2 that wait would pass")).to_be_visible()
    expect(secrets.get_by_text("Nothing processed would change.")).to_be_visible()
    db.session.expire_all()
    assert {callback.state for callback in callbacks} == {State.unprocessed}, "so far it was only told"

    secrets.get_by_role("button", name="Add", exact=True).click()
    expect(secrets).to_contain_text("2 callbacks that wait pass now")
    secrets.get_by_role("link", name="retry them").click()
    expect(admin.locator(".effects")).to_contain_text("2 orders open")


def test_what_is_told_of_a_new_secret_is_about_the_one_typed_last(admin: Page, world: World) -> None:
    badly_signed(world, 2)
    admin.goto(f"/settings/gateways/{world.stripe.id}")
    secrets = admin.get_by_role("region", name="Secrets")
    secrets.get_by_text("Add a secret…").click()
    new = secrets.locator("input[type=password]")
    with held_up(admin, "**/secrets"):
        for typed in ("whsec_one", "whsec_two", "whsec_new"):
            with admin.expect_request("**/secrets"):
                new.fill(typed)
                new.press("Tab")
    expect(secrets.get_by_text("With this 2 of the 2 that wait would pass")).to_be_visible()


def test_each_other_cause_of_ours_is_named_and_leads_to_its_cure(admin: Page, world: World) -> None:
    order, two_hours_ago = world.order(), utcnow() - timedelta(hours=2)
    second = make_account(world.shop, signing_secrets=["whsec_second"])
    test = make_account(world.shop, mode=Mode.test, signing_secrets=["whsec_of_tests"])
    genuine = request_for(world.stripe, message(order))
    requests = {
        "Signed with another account's secret": request_for(second, message(order)),
        "Signed with a test account's secret, or the other way round": request_for(test, message(order)),
        "The signature fits, its time does not": request_for(world.stripe, message(order), two_hours_ago),
        "Changed on the way here": replace(genuine, body=genuine.body + b"\r\n"),
    }
    for cause, request in requests.items():
        callback = world.looked_at(world.call(world.stripe, request))
        admin.goto("/callbacks")
        row = admin.locator(f"#callback-{callback.id}")
        expect(row).to_contain_text(cause)
        row.get_by_role("link", name="Put it right").click()
        expect(admin.get_by_text(f"{cause}: 1 callback of Stripe.")).to_be_visible()
        admin.get_by_role("link", name="Open the settings of Stripe").click()
        expect(admin.get_by_role("region", name="Secrets")).to_be_visible()


def test_a_date_that_is_missing_holds_back_what_needs_it_and_what_was_typed_stays(admin: Page, world: World) -> None:
    admin.goto(f"/settings/gateways/{world.stripe.id}")
    secrets = admin.get_by_role("region", name="Secrets")
    secrets.get_by_text("End…").click()
    date, reason = secrets.get_by_label("Ends at"), secrets.get_by_label("Reason")
    date.fill("")
    reason.fill("leaked")
    secrets.get_by_role("button", name="End then").click()
    expect(date).to_be_focused()
    expect(reason).to_have_value("leaked")
    secrets.get_by_role("button", name="End now").click()
    expect(secrets).to_contain_text("The secret has ended.")
