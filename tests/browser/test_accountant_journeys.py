"""An accountant takes a month along, and finds the callback behind a figure."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role
from tests.factories import make_account, make_user, message, signed_json

from .conftest import World, log_in

HMAC = signed_json("s3cr3t-s3cr3t", {"paid": "paid", "given back": "refunded"})


def heard(world: World, account: GatewayAccount, said: Message) -> Callback:
    callback = world.looked_at(world.call(account, said))
    assert callback.state is State.processed
    return callback


def saved(page: Page, button: Locator, folder: Path) -> Path:
    """What a button in the menu of downloads gives."""
    with page.expect_download() as download:
        button.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_the_accountant_takes_bookings_to_excel_and_follows_a_figure_of_the_statement_to_its_callback(
    page: Page, world: World, tmp_path: Path
) -> None:
    paid = world.order()
    account = make_account(world.shop, "generic_hmac", **HMAC)
    heard(world, account, message(paid, transaction_id="pi_1"))
    refund = message(paid, Outcome.refunded, transaction_id="pi_1", money=Money(990, "EUR"))
    back = heard(world, account, refund)
    log_in(page, make_user(Role.viewer, world.shop))
    page.goto("/orders")
    page.locator("summary", has_text="Download").click()
    page.get_by_label("What", exact=True).select_option("Payments, refunds and chargebacks")
    sheet = load_workbook(saved(page, page.get_by_role("button", name="Excel"), tmp_path)).worksheets[0]
    head, *rows = list(sheet.iter_rows(values_only=True))
    numbers = [row[head.index("order number")] for row in rows]
    assert numbers == [paid.number, paid.number], "text, as it was handed in"

    page.get_by_role("link", name="Statement").click()
    expect(page.get_by_role("heading", name=re.compile(f"^Statement of {world.shop.name}, "))).to_be_visible()
    euros = page.get_by_role("region", name="EUR")
    expect(euros.get_by_role("row", name="Came in Payments.")).to_contain_text("59.90 EUR")
    expect(euros.get_by_role("row", name="Came in, less what went out")).to_contain_text("50.00 EUR")
    page.locator("summary", has_text="Download").click()
    with saved(page, page.get_by_role("link", name="CSV"), tmp_path).open(newline="", encoding="utf-8-sig") as lines:
        (line,) = csv.DictReader(lines)
    assert (line["came in"], line["given back"]) == ("59.90", "9.90")
    page.keyboard.press("Escape")

    euros.get_by_role("row", name="Given back").get_by_role("link").click()
    expect(page.get_by_role("heading", name=re.compile("^Given back, EUR, "))).to_be_visible()
    expect(page.get_by_role("row", name=paid.number)).to_contain_text("9.90 EUR")
    page.get_by_role("link", name=f"callback {back.id}").click()
    expect(page).to_have_url(f"/callbacks/{back.id}")


def test_orders_what_is_owed_and_who_did_what_are_taken_along_and_a_day_of_one_account_is_stated(
    page: Page, world: World, tmp_path: Path
) -> None:
    order = world.order()
    heard(world, world.stripe, message(order))
    log_in(page, make_user(Role.viewer, world.shop))
    page.goto("/orders")
    page.locator("summary", has_text="Download").click()
    for what, holds in (("Orders", order.number), ("Owed back", ""), ("Activity", "")):
        page.get_by_label("What", exact=True).select_option(what)
        text = saved(page, page.get_by_role("button", name="CSV"), tmp_path).read_text(encoding="utf-8-sig")
        assert holds in text
        assert "," in text.splitlines()[0], "even where there is nothing, there are headings"

    page.get_by_role("link", name="Statement").click()
    page.get_by_role("link", name="Day", exact=True).click()
    page.get_by_label("Account").select_option(world.paypal.slug)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(f"({world.paypal.slug}) only.")).to_be_visible()
    expect(page.get_by_role("region", name="EUR")).to_have_count(0)
    page.get_by_label("Account").select_option(world.stripe.slug)
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("region", name="EUR").get_by_role("row", name="Came in Payments.")
    expect(row).to_contain_text("59.90 EUR")
