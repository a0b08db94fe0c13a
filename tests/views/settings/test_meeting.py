"""An account's form: how its callbacks meet orders."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import Meeting
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose admin is logged in."""
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.admin, account.shop))
    return account


def save(client: FlaskClient, account: GatewayAccount, **typed: str) -> tuple[int, str]:
    """Sends the form as the page has it, with what was typed. The status, and the page that answers."""
    page = client.get(f"/settings/gateways/{account.id}").text
    form = page[page.index(f'action="/settings/gateways/{account.id}"') :]
    form = form[: form.index("</form>")]
    data = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"(?![^>]*type="radio")', form))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', form):
        data[name] = (re.findall(r'value="(\w+)" selected', options) or re.findall(r'value="(\w+)"', options))[0]
    answer = client.post(
        f"/settings/gateways/{account.id}", data={**data, "mode": "live", "nameless": "person", **typed}
    )
    return answer.status_code, answer.text


WHOLE = {
    "number_pattern": "ORD-{number}",
    "ours_field": "/data/metadata/shop",
    "ours_value": "toys",
    "nameless": "aside",
    "try_lives": "3",
    "try_unit": "days",
    "tolerance": "2",
}


def test_what_an_admin_saves_holds_is_shown_again_and_is_kept_as_an_act(
    client: FlaskClient, account: GatewayAccount
) -> None:
    assert save(client, account, **WHOLE)[0] == 303
    assert account.meeting == Meeting("ORD-{number}", "/data/metadata/shop", "toys", True, 3 * 24 * 3600, 2)
    html = client.get(f"/settings/gateways/{account.id}").text
    for piece in (
        'value="ORD-{number}"',
        'value="toys"',
        'value="3"',
        '<option value="days" selected>',
        'aside" checked',
    ):
        assert piece in html
    act = db.session.scalars(select(Activity.what).where(Activity.verb == "settings")).one()
    assert "How order numbers come back from nothing to ORD-{number}" in act
    assert "Set aside what names no order from no to yes" in act


def test_what_is_saved_unchanged_stays_as_it_is(client: FlaskClient, account: GatewayAccount) -> None:
    before = account.meeting
    assert save(client, account)[0] == 303
    assert (account.meeting, before) == (Meeting(), Meeting())
    assert "Nothing was changed." in client.get("/settings").text


def test_what_was_set_can_be_emptied_again(client: FlaskClient, account: GatewayAccount) -> None:
    save(client, account, **WHOLE)
    save(client, account, number_pattern="", ours_field="", ours_value="", try_lives="", tolerance="")
    assert account.meeting == Meeting()


def test_all_problems_are_told_at_once_with_those_of_the_gateways_own_settings(
    client: FlaskClient, account: GatewayAccount
) -> None:
    bad = {"number_pattern": "ORD-", "ours_field": "shop", "try_lives": "soon", "tolerance": "0.02"}
    status, html = save(client, account, **bad, **{"set.tolerance_s": "x"})
    assert (status, "5 fields need another look" in html) == (422, True)
    for sentence in ("has {number} in it, once", "is a JSON pointer", "from 1 to", "from 0 to 10,000"):
        assert sentence in html
    for typed in bad.values():
        assert f'value="{typed}"' in html
    assert account.meeting == Meeting()


@pytest.mark.parametrize("typed", [{"ours_field": "/shop"}, {"ours_value": "toys"}])
def test_a_field_and_its_value_go_together(client: FlaskClient, account: GatewayAccount, typed: dict[str, str]) -> None:
    assert save(client, account, **typed)[0] == 422


@pytest.mark.parametrize(("lives", "unit"), [("0", "hours"), ("1099", "days"), ("-1", "days"), ("1", "years")])
def test_a_try_lives_for_some_hours_or_days(
    client: FlaskClient, account: GatewayAccount, lives: str, unit: str
) -> None:
    assert save(client, account, try_lives=lives, try_unit=unit)[0] == 422


# The live example


def example(client: FlaskClient, account: GatewayAccount, pattern: str) -> str:
    html = client.get(f"/settings/gateways/{account.id}/numbers", query_string={"number_pattern": pattern}).text
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def test_the_example_is_of_the_accounts_own_last_callbacks(client: FlaskClient, account: GatewayAccount) -> None:
    make_order(account.shop, "26")
    other = make_account(account.shop)
    for number in ("ORD-26", "ORD-26", "ORD-27", "28"):
        make_callback(account, message(number))
    make_callback(other, message("ORD-29"))
    process()
    told = example(client, account, "ORD-{number}")
    assert told == (
        "Of its last callbacks: 28 → does not fit, no order is found ORD-27 → 27, no order of yours "
        "ORD-26 → 26, an order of yours"
    )
    assert "ORD-26 → ORD-26, no order of yours" in example(client, account, "")


def test_the_example_says_what_is_wrong_with_what_is_typed(client: FlaskClient, account: GatewayAccount) -> None:
    assert "has {number} in it, once" in example(client, account, "ORD-")
    assert "No callback of it has named an order yet" in example(client, account, "ORD-{number}")


def test_the_example_is_for_admins_of_the_shop(client: FlaskClient, account: GatewayAccount) -> None:
    other = make_account()
    assert client.get(f"/settings/gateways/{other.id}/numbers").status_code == 404
    client.post("/logout")
    log_in(client, make_user(Role.manager, account.shop))
    assert client.get(f"/settings/gateways/{account.id}/numbers").status_code == 403
