"""Before settings of an account are saved: what they would do to what waits, found out without a change."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.processing.prospects import would
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process, request_for

HTMX = {"HX-Request": "true"}
RIGHT = "whsec_right"


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Its secret is not the one that the gateway signs with. Two would pass with the right one, one would wait on, and
    one is forged. Its shop's admin is logged in.
    """
    account = make_account(slug="stripe", signing_secrets=["whsec_wrong"])
    log_in(client, make_user(Role.admin, account.shop))
    signer, forger = make_account(signing_secrets=[RIGHT]), make_account(signing_secrets=["whsec_forged"])
    for said in (
        request_for(signer, message(make_order(account.shop))),
        request_for(signer, message(make_order(account.shop))),
        request_for(signer, message(make_order(account.shop), money=Money(1, "EUR"))),
        request_for(forger, message(make_order(account.shop))),
    ):
        make_callback(account, said)
    process()
    return account


def everything() -> list[object]:
    """All that looking must leave as it is."""
    db.session.rollback()
    tables = ("callbacks", "orders", "attempts", "messages", "activity", "gateway_accounts", "secrets")
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
    return [db.session.scalar(text(digest.format(table))) for table in tables]


FORETOLD = (
    "With this 2 of the 4 that wait would pass; 1 would be genuine, and wait for another reason. "
    "Nothing processed would change."
)


def test_a_new_secret_says_what_would_pass_with_it_and_changes_nothing(
    client: FlaskClient, account: GatewayAccount
) -> None:
    before = everything()
    form = {"key": "signing_secrets", "set.signing_secrets": RIGHT, "look": "1"}
    answer = client.post(f"/settings/gateways/{account.id}/secrets", data=form, headers=HTMX)
    assert (answer.status_code, FORETOLD in answer.text, RIGHT in answer.text) == (200, True, False)
    assert everything() == before


def test_without_script_a_button_says_the_same(client: FlaskClient, account: GatewayAccount) -> None:
    address = f"/settings/gateways/{account.id}"
    assert "See what it would do" in client.get(address).text
    form = {"key": "signing_secrets", "set.signing_secrets": RIGHT, "look": "1"}
    assert client.post(f"{address}/secrets", data=form).status_code == 303
    assert FORETOLD in client.get(address).text
    assert len(account.secrets) == 1


def test_what_is_foretold_is_what_then_comes(client: FlaskClient, account: GatewayAccount) -> None:
    form = {"key": "signing_secrets", "set.signing_secrets": RIGHT}
    answer = client.post(f"/settings/gateways/{account.id}/secrets", data=form, headers=HTMX)
    assert "2 callbacks that wait pass now" in answer.text


def settings_form(**more: str) -> dict[str, str]:
    return {"title": "Stripe", "mode": "live", "look": "1", "set.tolerance_s": "300", "tolerance": "0", **more}


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_settings_that_would_turn_away_what_passes_today_are_told_so(
    client: FlaskClient, account: GatewayAccount, headers: dict[str, str]
) -> None:
    good = make_account(account.shop, slug="good")
    make_callback(good, message(make_order(account.shop)))
    process()
    before = everything()
    address = f"/settings/gateways/{good.id}"
    fine = client.post(address, data=settings_form(), headers=headers)
    assert "Nothing waits at this account. Nothing processed would change." in fine.text
    other = client.post(address, data=settings_form(number_pattern="251123-{number}"), headers=headers)
    assert "of the last 1 processed 1 would not pass like this, or would be read otherwise." in other.text
    assert (other.status_code, everything() == before) == (200, True)


def test_what_cannot_be_saved_is_not_foretold(client: FlaskClient, account: GatewayAccount) -> None:
    answer = client.post(f"/settings/gateways/{account.id}", data=settings_form(tolerance="plenty"), headers=HTMX)
    assert "can&#39;t be saved yet" in answer.text
    nothing = {"key": "signing_secrets", "set.signing_secrets": " ", "look": "1"}
    answer = client.post(f"/settings/gateways/{account.id}/secrets", data=nothing, headers=HTMX)
    assert ("needed" in answer.text, len(account.secrets)) == (True, 1)


def test_of_a_gateway_that_is_asked_only_its_answer_can_tell(client: FlaskClient) -> None:
    account = make_account(
        gateway="paypal_ipn", receiver_emails=["a@shop.example"], environment="live", order_field="invoice"
    )
    callback = make_callback(account, message(make_order(account.shop)))
    process()
    assert callback.state is State.unprocessed
    told = would(account, lambda: None).told(account.title)
    assert told.startswith("With this none of the one that waits would pass; of 1 only PayPal IPN's answer can tell.")
