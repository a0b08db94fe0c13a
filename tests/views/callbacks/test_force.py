"""Before a force: what speaks against it, where to look, and who must do it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.dashboard import second_person
from shopcallbacks.domain.errors import Reason, Refused
from shopcallbacks.domain.states import OrderState, State, Verb
from shopcallbacks.domain.values import Answer, Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import OrderRules
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role, User

from ...factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_token,
    make_user,
    message,
    process,
)
from .test_panel import HTMX, forged

PAYPAL = {"receiver_emails": ["paypal@shop.example"], "environment": "live", "order_field": "invoice"}


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def dana(client: FlaskClient, shop: Shop) -> User:
    """Logged in."""
    dana = make_user(Role.manager, shop)
    log_in(client, dana)
    return dana


@pytest.fixture
def denied(app: Flask, shop: Shop, dana: User, monkeypatch: pytest.MonkeyPatch) -> Callback:
    """PayPal was asked twice, and said no."""
    monkeypatch.setitem(app.extensions, "ask", lambda question: Answer(200, b"INVALID"))
    account = make_account(shop, "paypal_ipn", **PAYPAL)
    callback = make_callback(account, message(make_order(shop), transaction_id="7FK12345"))
    process()
    callback.do(Verb.retry, dana)
    process()
    assert callback.reason is Reason.not_genuine
    return callback


def ask(client: FlaskClient, callback: Callback, **headers: str) -> str:
    return client.get(f"/callbacks/{callback.id}/forced-retry", headers=headers).text


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_what_the_gateway_denied_is_said_first_with_the_way_into_it(
    client: FlaskClient, denied: Callback, headers: dict[str, str]
) -> None:
    question = client.get(f"/callbacks/{denied.id}/forced-retry", headers=headers).text
    first = question.partition('class="ask-warning"')[2].partition("</p>")[0]
    assert "PayPal IPN says it did not send this. Checked twice, last " in first
    assert "PayPal answered INVALID" in first
    assert question.index("Checked twice") < question.index("temporary → <strong>open</strong>")
    assert 'href="https://www.paypal.com/activity/payment/7FK12345"' in question
    assert 'data-copy="ask-transaction"' in question
    assert "Reason: what you saw of it in PayPal IPN" in question


def test_what_nobody_denied_is_asked_about_without_a_warning(client: FlaskClient, shop: Shop, dana: User) -> None:
    callback = make_callback(make_account(shop, "paypal_ipn", **PAYPAL), message(make_order(shop)))
    process()
    assert callback.reason is Reason.gateway_unreachable
    question = ask(client, callback)
    assert ("ask-warning" in question, "what you saw of it" in question) == (False, False)


def test_a_cause_that_the_gateway_denied_has_no_force_for_all(client: FlaskClient, denied: Callback) -> None:
    assert "verb=force" not in client.get("/callbacks/causes").text
    page = client.get("/bulk/new?verb=force&all=1").text
    assert "1 not checked: PayPal IPN says it did not send this" in page
    assert "So there is nothing to do." in page
    assert "dot-green" not in page.partition('class="effects"')[2].partition("</ul>")[0]


def test_money_that_many_forces_would_take_is_never_green(client: FlaskClient, shop: Shop, dana: User) -> None:
    make_callback(make_account(shop, "paypal_ipn", **PAYPAL), message(make_order(shop)))
    process()
    effects = (
        client.get("/bulk/new?verb=force&all=1&tab=waiting").text.partition('class="effects"')[2].partition("</ul>")[0]
    )
    assert "1 order opens" in effects
    assert ("1 not checked: PayPal IPN could not be reached" in effects, "dot-green" in effects) == (True, False)


def test_what_has_moved_on_is_not_asked_about_as_if_it_waited(client: FlaskClient, denied: Callback) -> None:
    denied.do(Verb.remove, None, "fake")
    db.session.commit()
    question = ask(client, denied)
    assert "This callback is removed by the command line" in question
    assert "it can&#39;t be forced now." in question
    assert 'type="submit"' not in question.partition('id="ask-rest"')[2].partition("</form>")[0]


# A second person


@pytest.fixture
def large(shop: Shop, dana: User) -> Callback:
    """More than one person may force in its shop."""
    shop.order_rules = OrderRules(force_limit=Money(1000, "EUR"))
    db.session.commit()
    return forged(make_account(shop))


def force(client: FlaskClient, callback: Callback, why: str) -> tuple[int, str]:
    db.session.refresh(callback)
    answer = client.post(
        f"/callbacks/{callback.id}/forced-retry", data={"why": why, "seen": callback.version}, headers=HTMX
    )
    return answer.status_code, answer.text


def test_above_the_shops_limit_one_asks_and_another_forces(client: FlaskClient, shop: Shop, large: Callback) -> None:
    question = ask(client, large)
    assert ("Above 10.00 EUR it takes two people" in question, "Ask a second person to force it" in question) == (
        True,
        True,
    )
    assert force(client, large, "pi_1 is paid")[0] == 200
    process()
    assert (large.state, large.attempt_count, large.order.state) == (State.unprocessed, 1, OrderState.temporary)
    assert "you asked a second person to force it" in client.get("/callbacks").text
    refusal = "You asked for it to be forced. It takes another person to do it."
    assert refusal in ask(client, large)
    assert (force(client, large, "really")[0], large.attempt_count) == (409, 1)

    log_in(client, make_user(Role.manager, shop))
    assert "asks you to force it, since" in ask(client, large)
    assert force(client, large, "I see it too")[0] == 200
    process()
    assert (large.state, large.order.state) == (State.processed, OrderState.open)
    assert [act.verb for act in Activity.about(large.id)] == ["ask to force", "force"]


def test_a_program_is_neither_of_two_people(client: FlaskClient, shop: Shop, dana: User, large: Callback) -> None:
    token = make_token(shop, Scope.read, Scope.act)
    program, path = client.application.test_client(), f"/api/callbacks/{large.id}"
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    for asked in (False, True):
        if asked:
            force(client, large, "pi_1 is paid")
        told, verbs = program.post(f"{path}/force", json={"why": "x"}), program.get(path).json["verbs"]
        assert (told.status_code, "takes two people" in told.json["title"], "force" in verbs) == (409, True, False)
    shop.order_rules = OrderRules()
    db.session.commit()
    assert "force" in program.get(path).json["verbs"]


def test_the_dashboard_says_that_a_second_person_is_asked_until_it_is_answered(
    client: FlaskClient, shop: Shop, large: Callback
) -> None:
    assert "second person" not in client.get("/").text
    force(client, large, "pi_1 is paid")
    assert "You asked for a second person to force order" in client.get("/").text
    log_in(client, make_user(Role.manager, shop))
    card = client.get("/undecided").text
    assert "Manager Person asks for a second person to force order" in card
    assert "pi_1 is paid" in card
    assert re.search(rf'href="/callbacks/{large.id}">Answer<', card)
    force(client, large, "I see it too")
    assert "second person" not in client.get("/undecided").text


def test_whom_a_raised_limit_needs_no_more_hides_nobody_behind_it(
    client: FlaskClient, shop: Shop, large: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_person, "MOST", 1)
    force(client, large, "pi_1 is paid")
    larger = forged(large.account, money=Money(599_000, "EUR"))
    force(client, larger, "pi_2 is paid")
    shop.order_rules = OrderRules(force_limit=Money(10_000, "EUR"))
    db.session.commit()
    assert [asked.callback for asked in second_person.asked(shop)] == [larger]


def test_what_was_done_since_ends_the_first_persons_word(shop: Shop, dana: User, large: Callback) -> None:
    second = make_user(Role.manager, shop)
    large.do(Verb.force, dana, "seen")
    large.do(Verb.remove, second, "fake")
    large.do(Verb.restore, second)
    db.session.commit()
    large.do(Verb.force, second, "seen after all")
    assert large.due_at is None, "the second is the first again"
    with pytest.raises(Refused, match="another person"):
        large.do(Verb.force, second, "seen after all")


@pytest.mark.parametrize(("limit", "two"), [(Money(5990, "EUR"), False), (Money(5990, "USD"), True)])
def test_the_limit_itself_is_for_one_another_currency_for_two(
    shop: Shop, dana: User, large: Callback, limit: Money, two: bool
) -> None:
    shop.order_rules = OrderRules(force_limit=limit)
    db.session.commit()
    assert large.forced_by_two is two


# Links


@pytest.mark.parametrize(
    ("mode", "address"),
    [
        (Mode.live, "https://dashboard.stripe.com/payments/pi_%2F.."),
        (Mode.test, "https://dashboard.stripe.com/test/payments/pi_%2F.."),
    ],
)
def test_a_payment_has_its_page_in_the_gateway_by_mode(app: Flask, mode: Mode, address: str) -> None:
    account: GatewayAccount = make_account(mode=mode)
    assert account.payment_page("pi_/..", None) == address
    assert account.payment_page("pi_/..", mode is Mode.test) == address


def test_what_may_be_a_card_number_leads_nowhere(app: Flask) -> None:
    assert make_account().payment_page("4111111111111111", False) is None
    assert make_account(gateway="generic_hmac", **HMAC).payment_page("1", False) is None


HMAC = {
    "secrets": ["s"],
    "signature": {"name": "X-Signature", "encoding": "hex"},
    "fields": {"order_number": "/order", "amount": "/amount", "currency": "/currency", "status": "/status"},
    "statuses": {"ok": "paid"},
}
