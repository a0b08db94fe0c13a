"""People of a shop: invited, given a role, switched off; a lost password, a second factor; the tokens of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.factories import PASSWORD, make_account, make_shop, make_user
from tests.openid import Person, Provider
from tests.processes import until
from tests.receiver import MailBox

from .conftest import World, log_in, with_htmx

NEW = "lavender tractor sings"


@pytest.fixture
def admin(page: Page, world: World) -> Page:
    log_in(page, make_user(Role.admin, world.shop))
    return page


@pytest.fixture
def stranger(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """Another browser, in which nobody is logged in."""
    context = browser.new_context(**browser_context_args)
    yield with_htmx(context.new_page())
    context.close()


def link_for(email: str, box: MailBox) -> str:
    """The path in the one letter to that address."""

    def letters() -> list[str]:
        return [letter.get_content() for letter in box.letters if letter["To"] == email]

    until(letters)
    (letter,) = letters()
    found = re.search(r"https?://\S+/(?:invitations|passwords)/\S+", letter)
    assert found is not None
    return urlsplit(found[0]).path


def fill_in_log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_colleague_is_invited_joins_gets_another_role_and_is_switched_off(
    admin: Page, stranger: Page, world: World, box: MailBox
) -> None:
    email = f"kim@{world.shop.slug}.example"
    admin.goto("/settings")
    admin.get_by_role("link", name="People: who may do what here").click()
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_label("As", exact=True).select_option("viewer")
    admin.get_by_role("button", name="Invite").click()
    expect(admin.get_by_text(f"The invitation is on its way to {email}.")).to_be_visible()
    expect(admin.get_by_role("region", name="Invited, and not here yet")).to_contain_text(email)

    stranger.goto(link_for(email, box))
    expect(stranger.get_by_role("heading", name=f"Join {world.shop.name}")).to_be_visible()
    stranger.get_by_label("Your name").fill("Kim")
    stranger.get_by_label("A password").fill(NEW)
    stranger.get_by_role("button", name="Join").click()
    expect(stranger.get_by_role("navigation", name="Main")).to_be_visible()

    admin.reload()
    admin.get_by_role("link", name="Kim").click()
    expect(admin.get_by_role("region", name="Where they are logged in")).to_contain_text("last seen")
    rights = admin.get_by_role("region", name="What Kim may do")
    rights.get_by_label(f"In {world.shop.name}").select_option("manager")
    rights.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved. Kim logs in again.")).to_be_visible()
    stranger.goto("/orders")
    fill_in_log_in(stranger, email, NEW)
    expect(stranger).to_have_url("/orders")

    log = admin.get_by_role("region", name="Log-in")
    log.get_by_text("Switch off…").click()
    log.get_by_label("Reason").fill("left the shop")
    log.get_by_role("button", name="Switch Kim off").click()
    expect(admin.get_by_role("button", name="Switch Kim on")).to_be_visible()
    stranger.goto("/orders")
    fill_in_log_in(stranger, email, NEW)
    expect(stranger.locator("#failed")).to_be_visible()


def test_who_forgot_their_password_sets_a_new_one_by_a_letter_and_changes_it_in_their_settings(
    stranger: Page, world: World, box: MailBox
) -> None:
    email = world.manager.email
    stranger.goto("/login")
    stranger.get_by_role("link", name="Forgot your password?").click()
    stranger.get_by_label("E-mail").fill(email)
    stranger.get_by_role("button", name="Send me a link").click()
    expect(stranger.get_by_role("status")).to_contain_text(f"If {email} is a user here, a letter is on its way")
    stranger.goto(link_for(email, box))
    stranger.get_by_label("The new one").fill(NEW)
    stranger.get_by_role("button", name="Change the password").click()
    expect(stranger.get_by_text("The password is changed. Log in with it.")).to_be_visible()
    fill_in_log_in(stranger, email, NEW)

    stranger.locator("summary.initials").click()
    stranger.get_by_role("link", name="Your settings").click()
    stranger.get_by_label("The old one").fill("not this one")
    stranger.get_by_label("The new one").fill("an otter counts stamps")
    stranger.get_by_role("button", name="Change the password").click()
    expect(stranger.locator("#password-problem")).to_contain_text("Not changed")
    stranger.get_by_label("The old one").fill(NEW)
    stranger.get_by_label("The new one").fill("an otter counts stamps")
    stranger.get_by_role("button", name="Change the password").click()
    expect(stranger.get_by_text("The password is changed.")).to_be_visible()


def test_whoever_is_known_logs_in_with_their_company_and_is_where_they_wanted_to_go(
    stranger: Page, world: World, provider: Provider
) -> None:
    provider.person = Person("subject-1", world.manager.email)
    stranger.goto("/orders?state=open")
    stranger.get_by_role("link", name="Log in with Toys Inc.").click()
    expect(stranger).to_have_url("/orders?state=open")
    stranger.locator("summary.initials").click()
    expect(stranger.locator(".top-end")).to_contain_text(world.manager.email)


def test_a_shop_demands_a_second_factor_and_whoever_has_none_is_led_to_set_it_up(
    admin: Page, desk_of_manager: Page, world: World
) -> None:
    desk = desk_of_manager
    desk.goto("/callbacks")
    admin.goto("/settings/people")
    admin.get_by_label(f"Nobody looks at {world.shop.name} without one").check()
    admin.get_by_role("region", name="Second factor").get_by_role("button", name="Save").click()
    expect(admin.get_by_role("heading", name="Set up a second factor")).to_be_visible()

    # The open page of a colleague asks what is new, and is led there.
    expect(desk.get_by_text(f"{world.shop.name} can be looked at with a second factor only.")).to_be_visible()
    expect(desk.get_by_alt_text("QR code of the key below")).to_be_visible()
    key = desk.locator("p .code").inner_text()
    desk.get_by_label("The code of your app").fill(pyotp.TOTP(key).now())
    desk.get_by_label("Your password").fill(PASSWORD)
    desk.get_by_role("button", name="Switch it on").click()
    expect(desk.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    recovery = desk.locator("ul.code li")
    expect(recovery).to_have_count(10)
    code = recovery.first.inner_text()
    desk.get_by_role("link", name="I have kept them").click()
    expect(desk.get_by_role("navigation", name="Main")).to_be_visible()

    desk.locator("summary.initials").click()
    desk.get_by_role("button", name="Log out").click()
    fill_in_log_in(desk, world.manager.email, PASSWORD)
    desk.get_by_label("Six digits").fill("nonsense")
    desk.get_by_role("button", name="Log in").click()
    expect(desk.locator("#failed")).to_contain_text("The code does not fit")
    desk.get_by_label("Six digits").fill(code)
    desk.get_by_role("button", name="Log in").click()
    expect(desk.get_by_role("navigation", name="Main")).to_be_visible()


@pytest.fixture
def desk_of_manager(stranger: Page, world: World) -> Page:
    """The manager's browser, beside the admin's."""
    log_in(stranger, world.manager)
    return stranger


def test_a_token_is_made_for_one_program_used_and_replaced_with_an_overlap(admin: Page, world: World) -> None:
    def may_follow(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{world.live.url}/api/events", headers=headers, timeout=60).status_code

    admin.goto("/settings")
    admin.get_by_role("link", name="API tokens: which programs may call").click()
    admin.get_by_label("Which program uses it").fill("till")
    orders, feed = (admin.get_by_label(re.compile(words)) for words in ("hand orders in", "follow the changes"))
    orders.uncheck()
    feed.check()
    admin.get_by_role("button", name="Make the token").click()
    first = admin.get_by_label("The token of till").input_value()
    assert may_follow(first) == 200
    admin.goto("/settings/tokens")
    line = admin.get_by_role("listitem").filter(has_text="till")
    expect(line).to_contain_text("May follow the changes of orders. Last used about")

    line.get_by_text("Replace or end").click()
    line.get_by_label("Make a new one for till; the present one").select_option("day")
    line.get_by_role("button", name="Replace").click()
    second = admin.get_by_label("The token of till").input_value()
    expect(admin.get_by_text("in use until")).to_be_visible()
    assert (first != second, may_follow(first), may_follow(second)) == (True, 200, 200)


def test_an_admin_of_one_shop_is_admin_of_that_shop_only(page: Page, world: World) -> None:
    elsewhere = make_shop()
    account = make_account(elsewhere)
    person = make_user(Role.admin, world.shop)
    person.set_rights({world.shop: Role.admin, elsewhere: Role.viewer})
    db.session.commit()
    log_in(page, person)
    page.goto(f"/settings?shop={world.shop.slug}")
    expect(page.get_by_role("link", name="Add a gateway")).to_be_visible()
    page.goto(f"/settings?shop={elsewhere.slug}")
    expect(page.get_by_text(account.slug).first).to_be_visible()
    expect(page.get_by_role("link", name="Add a gateway")).to_have_count(0)
    page.goto("/settings/people")
    expect(page.get_by_role("link", name=person.name)).to_have_count(0)
    expect(page.get_by_role("button", name="Invite")).to_have_count(0)
