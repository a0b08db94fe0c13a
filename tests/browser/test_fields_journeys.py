"""A gateway is described in fields, and a pasted request is read before anything is saved."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime

from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_user

from .conftest import World, log_in

BODY = '{"order": "251123-26", "sum": 1230, "type": "payment.failed"}'


def test_a_sender_is_filled_in_tried_with_one_request_and_added(page: Page, world: World) -> None:
    log_in(page, make_user(Role.admin, world.shop))
    page.goto("/settings/gateways/new/generic_hmac")
    page.get_by_label("Fill in how known senders sign").select_option("github")
    page.get_by_role("button", name="Fill in").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("X-Hub-Signature-256")

    page.locator("input[type=password]").fill("s3cr3t-s3cr3t")
    page.get_by_label("Order number", exact=True).fill("/order")
    page.get_by_label("Amount", exact=True).fill("/sum")
    page.get_by_label("Currency", exact=True).fill("literal:EUR")
    page.get_by_label("Status", exact=True).fill("/type")
    page.get_by_label("Their word 1", exact=True).fill("payment.succeeded")
    page.get_by_label("What their word 1 means").select_option("paid")
    page.get_by_label("Their word 2", exact=True).fill("payment.refused")
    page.get_by_label("What their word 2 means").select_option("failed")
    page.get_by_role("button", name="More rows").press("Enter")
    expect(page.get_by_label("Their word 3", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="More rows")).to_be_focused()
    page.get_by_label("Their word 3", exact=True).fill("payment.failed")
    page.get_by_label("What their word 3 means").select_option("failed")

    signature = hmac.new(b"s3cr3t-s3cr3t", BODY.encode(), hashlib.sha256).hexdigest()
    page.get_by_label("One request as it came").fill(f"X-Hub-Signature-256: sha256={signature}\n\n{BODY}")
    page.get_by_role("button", name="Read it").click()
    read = page.locator("#tried")
    for said in ("It fits.", "251123-26", "12.30 EUR", "payment.failed means failed"):
        expect(read).to_contain_text(said)

    page.get_by_role("button", name="Add Generic HMAC").click()
    expect(page.get_by_role("heading", name="Its address")).to_be_visible()
    expect(page.get_by_label("Their word 1", exact=True)).to_have_value("payment.failed")


def test_a_standard_webhook_that_does_not_fit_yet_says_line_by_line_what_is_missing_until_it_fits(
    page: Page, world: World
) -> None:
    secret = "whsec_" + b64encode(b"a secret of twenty-four!").decode()
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, BODY),
    }
    log_in(page, make_user(Role.admin, world.shop))
    page.goto("/settings/gateways/new/standardwebhooks")
    page.get_by_label("Order number", exact=True).fill("/order_id")
    page.get_by_label("Amount", exact=True).fill("/sum")
    page.get_by_label("Currency", exact=True).fill("literal:EUR")
    page.get_by_label("Status", exact=True).fill("/type")
    page.get_by_label("Their word 1", exact=True).fill("payment.failed")
    page.get_by_label("What their word 1 means").select_option("failed")
    headers = "\n".join(f"{name}: {value}" for name, value in signed.items())
    page.get_by_label("One request as it came").fill(f"{headers}\n\n{BODY}")
    read = page.locator("#tried")
    page.get_by_role("button", name="Read it").click()
    expect(read).to_contain_text("or a public key is needed")

    page.get_by_label("Signing secrets").fill(secret)
    page.get_by_role("button", name="Read it").click()
    expect(read).to_contain_text("It fits.")
    expect(read.get_by_role("term").filter(has_text="Order number")).to_contain_text("wrong")
    page.get_by_label("Order number", exact=True).fill("/order")
    page.get_by_role("button", name="Read it").click()
    expect(read.get_by_role("term").filter(has_text="wrong")).to_have_count(0)
    for said in ("251123-26", "12.30 EUR", "payment.failed means failed"):
        expect(read).to_contain_text(said)
    page.get_by_role("button", name="Add Standard Webhooks").click()
    expect(page.get_by_role("heading", name="Its address")).to_be_visible()


def test_all_faults_are_told_at_once_and_those_who_like_json_write_it_under_advanced(page: Page, world: World) -> None:
    account = make_account(
        world.shop,
        "generic_hmac",
        secrets=["s3cr3t-s3cr3t"],
        signature={"name": "X-Signature"},
        fields={"order_number": "/order", "amount": "/sum", "currency": "/currency", "status": "/type"},
        statuses={"ok": "paid"},
    )
    log_in(page, make_user(Role.admin, world.shop))
    page.goto(f"/settings/gateways/{account.id}")
    page.get_by_label("Order number", exact=True).fill("order")
    page.get_by_label("Currency", exact=True).fill("literal:")
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_role("alert").first).to_contain_text("2 fields need another look")
    expect(page.get_by_text("Order number: this must begin with /, header: or literal:")).to_be_visible()
    expect(page.get_by_text("Currency: this must say what it always is, as literal:EUR.")).to_be_visible()
    expect(page.get_by_label("Order number", exact=True)).to_have_value("order")

    page.get_by_text("Advanced: as JSON").click()
    page.get_by_label("Take the JSON, not the fields above").check()
    places = {"order_number": "/data/id", "amount": "/sum", "currency": "literal:EUR", "status": "/type"}
    page.get_by_label("Places of the fields, as JSON").fill(json.dumps(places))
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_label("Order number", exact=True)).to_have_value("/data/id")
    expect(page.get_by_label("Currency", exact=True)).to_have_value("literal:EUR")
