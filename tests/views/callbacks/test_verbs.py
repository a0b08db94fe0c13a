"""What a manager does about a callback."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import AttemptKind, Effect, OrderState, State
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process
from ...processing.saying import say
from .test_panel import HTMX, forged, wrong_amount


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose manager is logged in."""
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.manager, account.shop))
    return account


def told(response: TestResponse) -> str:
    return str(json.loads(response.headers["HX-Trigger"])["say"])


def test_a_retry_shows_its_progress_and_then_its_result(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    asked = client.post(f"/callbacks/{callback.id}/retry", data={"seen": callback.version}, headers=HTMX)
    assert "Trying again" in asked.text
    assert "attempt 2" in asked.text
    assert "asked by you 0 s ago" in asked.text
    assert f"/callbacks/{callback.id}/row" in asked.text
    assert callback.due_kind is AttemptKind.retry
    process()
    done = client.get(f"/callbacks/{callback.id}/row", headers=HTMX)
    assert "Tried again: the signature still does not match" in done.text
    assert "hx-trigger" not in done.text
    assert told(done).startswith("Signature does not match")
    log_in(client, make_user(Role.manager, account.shop))
    other = client.get(f"/callbacks/{callback.id}/row", headers=HTMX)
    assert json.loads(other.headers["HX-Trigger"]) == {"callbacks-changed": {}}  # seen, and not read out


def test_force_says_what_it_does_and_opens_the_order(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    order = callback.order
    assert order is not None
    question = client.get(f"/callbacks/{callback.id}/forced-retry", headers=HTMX).text
    assert "The check with Stripe is skipped, nothing else." in question
    assert "temporary → <strong>open</strong>" in question
    assert "Open the order without Stripe&#39;s confirmation" in question
    assert order.state is OrderState.temporary
    client.post(f"/callbacks/{callback.id}/forced-retry", data={"why": "seen in Stripe"}, headers=HTMX)
    process()
    row = client.get(f"/callbacks/{callback.id}/row", headers=HTMX)
    assert "Processed: order opened" in row.text
    assert "seen in Stripe" in row.text
    assert told(row) == f"Order {order.number} opened"
    assert (callback.state, callback.effect, order.state) == (State.processed, Effect.opened, OrderState.open)


def test_force_is_not_offered_where_it_cannot_help(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account, money=Money(1, "EUR"))
    assert "forced-retry" not in client.get("/callbacks").text
    page = client.get(f"/callbacks/{callback.id}").text
    assert "forced-retry" not in page
    assert "Order 59.90 EUR, callback 0.01 EUR." in page
    question = client.get(f"/callbacks/{callback.id}/forced-retry").text
    assert "it would fail again" in question
    assert "<button" not in question.rpartition("Force this callback?")[2].partition("</form>")[0]


def test_a_refund_in_another_currency_is_accepted_as_the_sum_that_it_counts_as(
    client: FlaskClient, account: GatewayAccount, saying: None
) -> None:
    order, account = make_order(account.shop), GatewayAccount.add(account.shop, "saying", "saying", {})
    db.session.commit()
    say(account, message(order, transaction_id="pi_1"))
    refund = message(order, outcome=Outcome.refunded, transaction_id="pi_1", movement="re_1", money=Money(2000, "USD"))
    id_ = say(account, refund)
    process()
    callback = db.session.get_one(Callback, id_)
    assert callback.reason is Reason.currency_mismatch
    address = f"/callbacks/{callback.id}/acceptance"
    question = client.get(address).text
    assert "counts as" in question
    assert 'name="sum"' in question
    for said in ("", "a little", "0", "-5", "1e2", "12.345"):
        refused = client.post(address, data={"why": "as the bank said", "sum": said}, headers=HTMX)
        assert refused.status_code == 422, said
        assert "Say the sum in EUR, as 12.30." in refused.text
    assert callback.due_at is None
    client.post(address, data={"why": "as the bank said", "sum": "18.50"}, headers=HTMX)
    process()
    assert (callback.state, callback.effect) == (State.processed, Effect.partly_refunded)
    assert (order.given_back_minor, order.kept_minor) == (1850, 5990 - 1850)


def test_a_sum_is_asked_for_as_its_currency_has_it(client: FlaskClient, account: GatewayAccount, saying: None) -> None:
    order, account = make_order(account.shop, currency="JPY"), GatewayAccount.add(account.shop, "saying", "saying", {})
    db.session.commit()
    say(account, message(order, transaction_id="pi_1"))
    refund = message(order, outcome=Outcome.refunded, transaction_id="pi_1", movement="re_1", money=Money(2000, "USD"))
    id_ = say(account, refund)
    process()
    address = f"/callbacks/{id_}/acceptance"
    assert 'placeholder="1230"' in client.get(address).text
    refused = client.post(address, data={"why": "as the bank said", "sum": "12.30"}, headers=HTMX)
    assert "Say the sum in JPY, as 1230." in refused.text


@pytest.mark.parametrize("verb", ["forced-retry", "removal"])
def test_a_reason_is_needed(client: FlaskClient, account: GatewayAccount, verb: str) -> None:
    callback = forged(account)
    for headers in (HTMX, {}):
        response = client.post(f"/callbacks/{callback.id}/{verb}", data={"why": " "}, headers=headers)
        assert response.status_code == 422
        assert "Say why" in response.text
    assert (callback.state, callback.due_at) == (State.unprocessed, None)


def test_removed_and_restored_without_script(client: FlaskClient, account: GatewayAccount) -> None:
    callback = wrong_amount(account)
    assert "Mark as invalid" in client.get(f"/callbacks/{callback.id}/removal?back=/callbacks?per=50").text
    data = {"why": "a test", "seen": callback.version, "back": "/callbacks?per=50"}
    response = client.post(f"/callbacks/{callback.id}/removal", data=data)
    assert (response.status_code, response.location) == (303, "/callbacks?per=50")
    assert callback.state is State.invalid
    html = client.get("/callbacks?tab=invalid").text
    assert "Marked as invalid." in html
    assert "marked as invalid by you" in html
    assert client.post(f"/callbacks/{callback.id}/restoration").status_code == 303
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.amount_mismatch)
    assert [act.verb for act in Activity.about(callback.id)] == ["remove", "restore"]


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_the_way_back_stays_on_the_site(client: FlaskClient, account: GatewayAccount, back: str) -> None:
    callback = forged(account)
    assert client.post(f"/callbacks/{callback.id}/retry", data={"back": back}).location == "/callbacks"
    assert "elsewhere" not in client.get(f"/callbacks/{callback.id}/removal", query_string={"back": back}).text


def test_two_managers_on_one_row_have_one_effect(client: FlaskClient, account: GatewayAccount) -> None:
    callback = wrong_amount(account)
    seen = callback.version
    first = client.post(f"/callbacks/{callback.id}/removal", data={"why": "mine", "seen": seen}, headers=HTMX)
    second = client.post(f"/callbacks/{callback.id}/removal", data={"why": "too", "seen": seen}, headers=HTMX)
    assert (first.status_code, second.status_code) == (200, 409)
    assert "has moved on since you saw it" in second.text
    assert "marked as invalid by you" in second.text
    assert len(Activity.about(callback.id)) == 1


def test_a_plain_form_that_came_too_late_shows_what_was_typed_and_how_things_stand_now(
    client: FlaskClient, account: GatewayAccount
) -> None:
    callback = wrong_amount(account)
    late = {"why": "it was paid in cash", "seen": callback.version, "back": "/callbacks?per=50"}
    for verb in ("removal", "restoration"):
        data = {"why": "mine", "seen": callback.version}
        assert client.post(f"/callbacks/{callback.id}/{verb}", data=data, headers=HTMX).status_code == 200
    still_open = client.post(f"/callbacks/{callback.id}/removal", data=late)
    assert still_open.status_code == 409
    assert "has moved on since you saw it" in still_open.text
    assert 'name="why" value="it was paid in cash"' in still_open.text
    seen = re.search(r'name="seen" value="([0-9]+)"', still_open.text)
    assert seen is not None
    assert client.post(f"/callbacks/{callback.id}/removal", data={**late, "seen": seen[1]}).status_code == 303
    gone = client.post(f"/callbacks/{callback.id}/removal", data=late)
    assert gone.status_code == 409
    assert 'value="it was paid in cash" readonly' in gone.text
    assert gone.text.count("removed by Manager") == 1
    assert [act.why for act in Activity.about(callback.id)].count("it was paid in cash") == 1


def test_who_makes_up_their_mind_is_not_overtaken_by_the_next_automatic_attempt(
    client: FlaskClient, account: GatewayAccount
) -> None:
    callback = make_callback(account, message("later"))
    process()
    page = client.get(f"/callbacks/{callback.id}/removal").text
    seen = re.search(r'name="seen" value="([0-9]+)"', page)
    assert seen is not None
    callback.due_at = utcnow()
    process()
    assert callback.version == int(seen[1]) + 1
    data = {"why": "a test", "seen": seen[1]}
    assert client.post(f"/callbacks/{callback.id}/removal", data=data, headers=HTMX).status_code == 200
    assert callback.state is State.invalid


def test_on_the_page_an_act_answers_with_the_page(client: FlaskClient, account: GatewayAccount) -> None:
    callback = forged(account)
    asked = client.post(f"/callbacks/{callback.id}/retry", data={"on": "page"}, headers=HTMX)
    assert asked.text.lstrip().startswith('<div id="callback"')
    assert "watched=1" in asked.text
    process()
    assert told(client.get(f"/callbacks/{callback.id}?watched=1", headers=HTMX))
    assert "HX-Trigger" not in client.get(f"/callbacks/{callback.id}?part=bytes", headers=HTMX).headers
