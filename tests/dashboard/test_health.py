"""Whether a gateway account works, proven by what came."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals, health
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.alerts.rules import AlertRules
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role
from shopcallbacks.views import first_run

from ..factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
    request_for,
)
from ..views.settings.test_accounts import words


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    with client.session_transaction() as session:
        session["shop"] = shop.slug
    return shop


def test_health_is_what_the_gateway_itself_proved(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    assert "none since it was added" in client.get("/settings").text
    tested = make_callback(account, message(make_order(shop)))
    Activity.record(health.TEST, None, shop_id=shop.id, callback_id=tested.id)
    process()
    assert health.last_genuine(account) is None
    genuine = make_callback(account, message(make_order(shop)))
    make_callback(account, message("no such order"))
    process()
    assert health.last_genuine(account) is not None
    assert health.last_genuine(account) >= genuine.received_at
    failures = health.failures(account, utcnow())
    assert (failures.came, failures.by_reason) == (3, ((Reason.order_not_found, 1),))
    assert "1 failure in 24 h" in client.get("/settings").text
    assert health.failures(account, utcnow() + timedelta(days=2)).came == 0


def test_behind_a_flood_it_was_heard_in_the_last_hour_that_is_kept(
    client: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, forger = make_account(shop), make_account(make_shop(), signing_secrets=["whsec_forged"])
    then = utcnow() - timedelta(hours=5)
    make_callback(account, message(make_order(shop)), then)
    for _ in range(3):
        make_callback(account, request_for(forger, message(make_order(shop))))
    process()
    arrivals.keep(utcnow())
    db.session.commit()
    monkeypatch.setattr(health, "LATEST", 3)
    assert health.last_genuine(account) == arrivals.hour_of(then, "UTC")
    assert "none genuine" not in client.get("/").text


def send_test(account: GatewayAccount) -> None:
    """As an admin does: an order and a callback of our own."""
    order = make_order(account.shop, test=True)
    tested = make_callback(account, message(order, test=True))
    Activity.record(health.TEST, None, shop_id=account.shop_id, callback_id=tested.id, order_id=order.id)
    process()


def test_the_five_steps_are_ticked_as_they_come_true(client: FlaskClient, shop: Shop) -> None:
    def steps() -> health.Steps:
        db.session.expire_all()
        return first_run.steps(shop)

    assert steps() == health.Steps(False, False, False, False, False)
    assert "Five steps" in client.get("/settings").text
    account = make_account(shop)
    assert steps() == health.Steps(True, False, False, False, False)
    send_test(account)
    assert steps() == health.Steps(True, False, False, False, False), "what we send shows our side only"
    make_callback(account, message("no such order"))
    process()
    assert steps() == health.Steps(True, True, False, False, False)
    order = make_order(shop)
    assert steps() == health.Steps(True, True, False, True, False)
    make_callback(account, message(order))
    process()
    assert steps() == health.Steps(True, True, True, True, False)
    AlertRules.of(shop.id).recipients = "dana@shop.example"
    db.session.commit()
    assert steps().done


def test_the_steps_stay_on_the_dashboard_until_all_are_true(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    send_test(account)
    page = words(client.get("/").text)
    assert "1 of 5 done. Left: a genuine call of a gateway's own" in html.unescape(page)
    assert "none genuine" not in page
    assert "only your own test" in page
    assert 'curl -H "Authorization: Bearer sc_..."' in html.unescape(page)
    assert "only your own tests came" in words(client.get("/settings").text)
    make_callback(account, message(make_order(shop)))
    process()
    assert "4 of 5 done. Left: somebody to be alerted." in words(client.get("/").text)
    AlertRules.of(shop.id).recipients = "dana@shop.example"
    db.session.commit()
    assert "of 5 done" not in client.get("/").text


def test_a_forged_call_is_no_genuine_one(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    forged(account)
    assert not first_run.steps(shop).called
    assert "none genuine" in words(client.get("/").text)


def forged(account: GatewayAccount) -> Callback:
    callback = make_callback(account, Request("POST", "/", b"", (), b"{}", "", utcnow()))
    process()
    return callback


def test_the_page_of_an_account_listens_until_a_genuine_callback_came(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop, mode=Mode.test)
    address = f"/settings/gateways/{account.id}"

    def card() -> str:
        return client.get(f"{address}/listening", headers={"HX-Request": "true"}).text

    assert "Pay 1.00 in the test system of Stripe" in words(client.get(address).text)
    assert "hx-trigger" in card()
    send_test(account)
    assert "came" not in words(card())
    bad = forged(account)
    assert "and did not verify : Signature does not match" in words(card())
    assert f'href="/callbacks/{bad.id}"' in card()
    assert "hx-trigger" in card()
    genuine = make_callback(account, message("no such order"))
    process()
    forged(account)
    assert "It came, and was verified , at" in words(card())
    assert f'href="/callbacks/{genuine.id}"' in card()
    assert "hx-trigger" not in card()
    assert "listening" not in client.get(address).text


def test_one_that_just_came_is_being_checked(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    make_callback(account, message("x"))
    page = client.get(f"/settings/gateways/{account.id}/listening")
    assert page.location == f"/settings/gateways/{account.id}#listening"
    assert "and is being checked" in words(client.get(page.location).text)
