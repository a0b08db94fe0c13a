"""What goes out: alerts by e-mail and webhook, and order changes to the shop, set up and followed in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role
from tests.factories import make_user, message
from tests.processes import until
from tests.receiver import MailBox, Receiver, http_receiver

from .conftest import World, log_in

SOON = 30_000


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def admin(page: Page, world: World) -> Page:
    log_in(page, make_user(Role.owner))
    page.goto(f"/?shop={world.shop.slug}")
    return page


def test_alerts_are_set_up_tested_and_come_when_a_callback_begins_to_wait(
    admin: Page, world: World, box: MailBox, receiver: Receiver
) -> None:
    admin.goto("/settings/alerts")
    admin.get_by_label("E-mail addresses").fill("dana@shop.example")
    admin.get_by_label("Webhook").select_option("signed")
    admin.get_by_label("Its address").fill(receiver.url)
    admin.get_by_label("A callback needs a person").check()
    admin.get_by_role("button", name="Save").click()
    secret = admin.get_by_label("The new signing secret").input_value()
    admin.get_by_role("button", name="Send a test").click()

    def subjects() -> list[str]:
        """Of the letters to this shop."""
        return [
            subject for subject in (letter["Subject"] for letter in box.letters) if f"[{world.shop.name}]" in subject
        ]

    until(lambda: subjects() and receiver.received)
    assert "test" in subjects()[0].lower()
    Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    expect(admin.locator("#messages")).to_contain_text("dana@shop.example")

    world.looked_at(world.call(world.stripe, message(world.order(), money=Money(1, "EUR"))))
    until(lambda: len(subjects()) > 1 and len(receiver.received) > 1)
    assert "1 callback needs a person, 59.90 EUR" in subjects()[1]
    admin.reload()
    expect(admin.locator("#messages")).to_contain_text("1 callback needs a person")


def test_the_shop_hears_of_an_order_again_and_after_it_was_down(admin: Page, world: World, receiver: Receiver) -> None:
    admin.goto("/settings/endpoint")
    admin.get_by_label("Address your shop listens at").fill(receiver.url)
    admin.get_by_role("button", name="Connect").click()
    secret = admin.get_by_label("The new signing secret").input_value()
    order = world.order()
    world.call(world.stripe, message(order))
    until(lambda: len(receiver.received) == 2)
    told = [Webhook(secret).verify(one.body, one.headers)["kind"] for one in receiver.received]
    assert told == ["created", "opened"]

    admin.goto(f"/orders/{order.id}")
    line = admin.locator("#told li", has_text="Order opened")
    expect(line).to_contain_text("Told", timeout=SOON)
    line.get_by_role("button", name="Send again").dblclick()
    until(lambda: len(receiver.received) == 3)
    expect(line.locator(".delivery")).to_be_focused()
    expect(line).to_contain_text("Told", timeout=SOON)
    expect(line.locator(".delivery")).to_be_focused()
    db.session.rollback()
    assert db.session.query(Activity).filter_by(order_id=order.id, verb="send again").count() == 1
    ids = [{name.lower(): value for name, value in one.headers.items()}["webhook-id"] for one in receiver.received]
    assert ids[2] == ids[1] != ids[0], "the shop can tell that it had it"

    receiver.answer = lambda _: 503
    later = world.order()
    world.call(world.stripe, message(later))
    until(lambda: len(receiver.received) > 3)
    admin.goto(f"/orders/{later.id}")
    expect(admin.locator("#told")).to_contain_text("Not told yet: ", timeout=SOON)
    receiver.answer = lambda _: 204
    admin.goto("/settings/endpoint?part=waiting")
    admin.get_by_role("button", name="Try now").click()
    admin.goto(f"/orders/{later.id}")
    expect(admin.locator("#told li", has_text="Order opened")).to_contain_text("Told ", timeout=SOON)
    expect(admin.locator("#told")).not_to_contain_text("Not told yet")
