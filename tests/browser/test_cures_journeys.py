"""What is ours to put right: what a cure would do is told before it is done."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from shopcallbacks.domain.states import State
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.factories import make_user

from .conftest import World, log_in
from .test_bulk_journeys import badly_signed


def test_before_a_secret_is_saved_it_is_told_what_would_pass(page: Page, world: World) -> None:
    callbacks = badly_signed(world, 2)
    log_in(page, make_user(Role.admin, world.shop))
    page.goto(f"/settings/gateways/{world.stripe.id}")
    expect(page.locator("[data-htmx-powered]").first).to_be_attached()  # it begins a moment after the load
    secrets = page.get_by_role("region", name="Secrets")
    secrets.get_by_text("Add a secret…").click()
    new = secrets.locator("input[type=password]")
    new.fill("whsec_wrong")
    new.press("Tab")
    expect(secrets.get_by_text("none of the 2 that wait would pass")).to_be_visible()
    new.fill("whsec_new")
    new.press("Tab")
    expect(secrets.get_by_text("With this 2 of the 2 that wait would pass")).to_be_visible()
    db.session.expire_all()
    assert {callback.state for callback in callbacks} == {State.unprocessed}, "it was only told"
