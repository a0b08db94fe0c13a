"""What a bulk run would do, told before it does it."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from shopcallbacks.bulk import preview
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Effect, State, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role, User

from ..factories import make_account, make_callback, make_order, make_shop, make_user, message, process, request_for
from .test_runs import ALL, badly_signed, go_on, mend, start

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    """Its secret is not the one that the gateway signs with, so all its callbacks are unprocessed."""
    return make_account(shop, signing_secrets=["whsec_wrong"])


@pytest.fixture
def manager(shop: Shop) -> User:
    return make_user(Role.manager, shop)


def everything() -> list[object]:
    """All that a preview must leave as it is."""
    db.session.rollback()
    tables = ("callbacks", "orders", "payments", "attempts", "order_events", "messages", "activity", "feeds")
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
    return [db.session.scalar(text(digest.format(table))) for table in tables]


def test_a_preview_tells_what_the_run_then_does_and_changes_nothing(account: GatewayAccount, manager: User) -> None:
    shop = account.shop
    orders = [make_order(shop) for _ in range(3)]
    gone = make_order(shop)
    moves.cancel(gone.id, "the shop")
    badly_signed(account, *orders, gone, None)
    signer = make_account(shop)
    again = dataclasses.replace(message(orders[0]), transaction_id="pi_second")
    make_callback(account, request_for(signer, again))
    process()
    mend(account)
    before = everything()
    found = preview.effects_of(Verb.retry, ALL, shop)
    assert everything() == before
    assert (found.total, found.looked, found.beyond) == (6, 6, 0)
    assert found.effects == {Effect.opened: 3}
    assert found.money(Effect.opened) == [Money(3 * 5990, "EUR")]
    assert found.stays == {
        "Paid, but the order is cancelled": 1,
        "Paid, but the order is paid already": 1,
        "No such order": 1,
    }
    run = start(Verb.retry, manager)
    go_on()
    assert (run.succeeded, run.failed, run.skipped) == (found.may, 0, 3)


@pytest.mark.parametrize("at_once", [1, 250])
def test_two_callbacks_of_one_payment_are_previewed_as_one_also_in_batches_apart(
    account: GatewayAccount, at_once: int
) -> None:
    order = make_order(account.shop)
    signer = make_account(account.shop)
    said = message(order)
    for event in ("evt_a", "evt_b"):
        make_callback(account, request_for(signer, dataclasses.replace(said, event_id=event)))
    process()
    mend(account)
    found = preview.effects_of(Verb.retry, ALL, account.shop, at_once=at_once)
    assert found.effects == {Effect.opened: 1, Effect.repeated: 1}
    assert found.money(Effect.opened) == [order.total]


def test_a_preview_says_how_many_it_did_not_look_at(account: GatewayAccount) -> None:
    badly_signed(account, None, None, None)
    found = preview.effects_of(Verb.remove, ALL, account.shop, looks_at=2)
    assert (found.total, found.moved, found.beyond) == (3, 2, 1)


def test_a_retry_of_asked_gateways_is_not_foreseen_but_counted(shop: Shop) -> None:
    paypal = make_account(
        shop, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live", order_field="invoice"
    )
    callback = make_callback(paypal, message(make_order(shop)))
    callback.state, callback.reason, callback.due_at, callback.due_kind = (
        State.unprocessed,
        Reason.gateway_unreachable,
        None,
        None,
    )
    db.session.commit()
    found = preview.effects_of(Verb.retry, ALL, shop)
    assert found.asked == {paypal.title: 1}
    forced = preview.effects_of(Verb.force, ALL, shop)
    assert forced.effects == {Effect.opened: 1}
    assert forced.verdicts == {f"{paypal.title} could not be reached": 1}


def test_what_the_gateway_denied_is_forced_one_by_one_and_the_preview_counts_it(account: GatewayAccount) -> None:
    badly_signed(account, make_order(account.shop), make_order(account.shop))
    found = preview.effects_of(Verb.force, ALL, account.shop)
    assert (found.effects, found.any) == ({}, False)
    assert found.verdicts == {"Signature does not match": 2}
    assert list(found.skipped.values()) == [2]
    assert "one by one" in next(iter(found.skipped))


def test_what_is_decided_while_it_is_foreseen_has_a_line_too(
    app: Flask, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    badly_signed(account, make_order(account.shop), make_order(account.shop))
    mend(account)
    decided = Callback.account_id == account.id

    def retried() -> None:
        with app.app_context():
            db.session.scalars(select(Callback).where(decided).limit(1)).one().do(Verb.retry, None)
            process()

    def rehearse_late(*of: Any, **how: Any) -> Any:
        with ThreadPoolExecutor(1) as aside:
            aside.submit(retried).result()
        return rehearse(*of, **how)

    rehearse = preview.rehearse
    monkeypatch.setattr(preview, "rehearse", rehearse_late)
    found = preview.effects_of(Verb.retry, ALL, account.shop)
    assert (found.total, found.looked) == (2, 2)
    lines = (found.effects, found.stays, found.asked, found.skipped)
    assert sum(line.total() for line in lines) == 2, lines
