"""Payments that no order takes: reopened, owed back, or not ours; asked, applied, seen and settled."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.bulk import preview
from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.dashboard import decisions
from shopcallbacks.domain.errors import Reason, Refused
from shopcallbacks.domain.states import AttemptKind, Effect, Entry, OrderState, State, Verb
from shopcallbacks.domain.values import Money, Outcome, Verdict
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.jobs import bulk
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.order import Order
from shopcallbacks.panel.filter import Filter, Tab
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process

HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    return make_account(None, "paystack", secret_keys=["sk_test"])


@pytest.fixture
def manager(client: FlaskClient, account: GatewayAccount) -> User:
    user = make_user(Role.manager, account.shop)
    log_in(client, user)
    return user


def late(account: GatewayAccount) -> Callback:
    """A payment of an order that is cancelled."""
    order = make_order(account.shop)
    make_callback(account, message(order, Outcome.failed))
    process()
    callback = make_callback(account, message(order, transaction_id=f"pi_late_{order.id}"))
    process()
    assert callback.paid_but
    return callback


def order_of(callback: Callback) -> Order:
    assert callback.order is not None
    return callback.order


def ruled(callback: Callback, verb: str, user: User) -> None:
    callback.do(Verb(verb), user, "talked to the customer")
    process()


def test_a_reopened_order_takes_the_payment_and_the_shop_is_told(account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    ruled(callback, "reopen", manager)
    order = order_of(callback)
    assert (callback.state, callback.effect) == (State.processed, Effect.reopened)
    assert (order.state, order.paid, order.owed_minor) == (OrderState.open, order.total, 0)
    attempt = callback.attempts[-1]
    assert (attempt.kind, attempt.asked_by_id, attempt.verdict) == (AttemptKind.reopened, manager.id, Verdict.genuine)
    event = OrderEvent.after(account.shop_id, 0, 100)[-1]
    assert (event.kind, event.from_state, event.to_state) == ("reopened", OrderState.cancelled, OrderState.open)
    assert event.actor == manager.name


def test_a_payment_owed_back_leaves_the_order_and_is_listed_until_the_gateway_tells_of_the_refund(
    account: GatewayAccount, manager: User
) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    order = order_of(callback)
    assert (callback.state, callback.effect, order.state) == (State.processed, Effect.owed, OrderState.cancelled)
    assert (order.owed, [row.owed for row in order.ledger]) == (order.total, [True])
    assert decisions.still_open(account.shop_id, utcnow()).owed == (order.total,)
    refund = message(order, Outcome.refunded, transaction_id=callback.transaction_id, movement="re_1")
    make_callback(account, refund)
    process()
    assert order.owed_minor == 0
    assert not decisions.still_open(account.shop_id, utcnow())


def test_a_second_payment_of_an_open_order_can_be_owed_back_and_not_reopen_it(
    account: GatewayAccount, manager: User
) -> None:
    order = make_order(account.shop)
    make_callback(account, message(order))
    second = make_callback(account, message(order))
    process()
    ruled(second, "reopen", manager)
    assert (second.state, second.reason) == (State.unprocessed, Reason.order_conflict)
    ruled(second, "owe", manager)
    assert (second.state, order.state, order.owed) == (State.processed, OrderState.open, order.total)


def test_a_ruling_is_for_payments_that_no_order_takes_only(account: GatewayAccount, manager: User) -> None:
    other = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    assert not other.paid_but
    for verb in ("reopen", "owe"):
        with pytest.raises(Refused, match="can't be"):
            other.do(Verb(verb), manager, "please")


def test_a_ruling_needs_a_reason(account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    for verb in ("reopen", "owe"):
        with pytest.raises(Refused, match="Say why"):
            callback.do(Verb(verb), manager, " ")


def test_a_ruling_checks_with_the_gateway_again_unless_a_person_has_skipped_that(account: GatewayAccount) -> None:
    callback = late(account)
    assert not callback.skips_check(AttemptKind.reopened)
    callback.verdict = Verdict.skipped
    assert callback.skips_check(AttemptKind.reopened)
    assert callback.skips_check(AttemptKind.owed)
    assert not callback.skips_check(AttemptKind.retry)
    db.session.rollback()


def test_the_order_that_was_reopened_by_one_payment_is_not_by_the_next(account: GatewayAccount, manager: User) -> None:
    first = late(account)
    other = make_callback(account, message(order_of(first), transaction_id="pi_other"))
    process()
    first.do(Verb.reopen, manager, "the first")
    other.do(Verb.reopen, manager, "the other")
    process()
    assert (first.state, other.state) == (State.processed, State.unprocessed)
    assert order_of(first).sum_of(Entry.payment) == order_of(first).total


def test_what_is_owed_is_settled_by_a_persons_word_once(account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    order = order_of(callback)
    order.settle(manager, "bank transfer")
    db.session.commit()
    assert (order.owed_minor, order.refunded.minor) == (0, 0)
    with pytest.raises(Refused, match="Nothing is owed"):
        order.settle(manager, "again")
    act = db.session.query(Activity).order_by(Activity.id.desc()).first()
    assert act is not None
    assert (act.verb, act.why, act.what, act.order_id) == ("settle", "bank transfer", str(order.total), order.id)
    refund = message(order, Outcome.refunded, transaction_id=callback.transaction_id, movement="re_1")
    told = make_callback(account, refund)
    process()
    assert (told.state, order.owed_minor, order.refunded) == (State.processed, 0, order.total)


def test_what_is_open_is_counted_for_the_own_shop_only(account: GatewayAccount, manager: User) -> None:
    late(account)
    late(make_account(make_shop(), "paystack", secret_keys=["sk_test"]))
    found = decisions.still_open(account.shop_id, utcnow())
    assert (found.payments, found.stakes, found.debts) == (1, (Money(5990, "EUR"),), 0)


# The screens


def test_the_tab_offers_each_decision_with_its_effect(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    callback = late(account)
    html = client.get("/callbacks?tab=decide").text
    assert [word in html for word in ("Reopen…", "Needs refund…", "Not ours…")] == [True] * 3
    ask = client.get(f"/callbacks/{callback.id}/reopening", headers=HTMX).text
    assert "cancelled → <strong>open</strong>" in ask
    assert f"Reopen order {order_of(callback).number}" in ask
    ask = client.get(f"/callbacks/{callback.id}/debt", headers=HTMX).text
    assert "stays cancelled; payment owed back" in ask
    assert 'value="Not ours"' in client.get(f"/callbacks/{callback.id}/removal?why=Not+ours", headers=HTMX).text


@pytest.mark.parametrize(("path", "verb"), [("reopening", "reopen"), ("debt", "owe")])
def test_a_decision_is_taken_from_the_row_and_kept(
    client: FlaskClient, account: GatewayAccount, manager: User, path: str, verb: str
) -> None:
    callback = late(account)
    missing = client.post(f"/callbacks/{callback.id}/{path}", data={"why": ""}, headers=HTMX)
    assert (missing.status_code, "Say why" in missing.text) == (422, True)
    assert (
        client.post(f"/callbacks/{callback.id}/{path}", data={"why": "talked to her"}, headers=HTMX).status_code == 200
    )
    process()
    assert callback.state is State.processed
    act = Activity.last_about(callback.id)
    assert act is not None
    assert (act.verb, act.why, act.user_id) == (verb, "talked to her", manager.id)
    assert "talked to her" in client.get(f"/callbacks/{callback.id}").text


def test_an_order_that_is_open_is_not_offered_to_reopen(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    order = make_order(account.shop)
    make_callback(account, message(order))
    make_callback(account, message(order))
    process()
    html = client.get("/callbacks?tab=decide").text
    assert ("Reopen…" in html, "Needs refund…" in html) == (False, True)


def test_a_viewer_decides_nothing(client: FlaskClient, account: GatewayAccount) -> None:
    callback = late(account)
    log_in(client, make_user(Role.viewer, account.shop))
    assert "Needs refund" not in client.get("/callbacks?tab=decide").text
    for path in ("reopening", "debt"):
        assert client.post(f"/callbacks/{callback.id}/{path}", data={"why": "x"}).status_code == 403
    assert client.post(f"/orders/{order_of(callback).id}/settlement", data={"why": "x"}).status_code == 403


def test_the_dashboard_tells_of_it_and_is_calm_without(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    make_callback(account, message(make_order(account.shop)))
    process()
    assert "to decide on" not in client.get("/").text
    callback = late(account)
    assert "1 payment to decide on" in client.get("/").text
    ruled(callback, "owe", manager)
    assert "owed back on 1 order" in client.get("/undecided", headers=HTMX).text


def test_debts_are_listed_and_settled(client: FlaskClient, account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    order = order_of(callback)
    assert order.number in client.get("/orders?owed=1").text
    where = f"/orders/{order.id}/settlement"
    assert "was given back" in client.get(where, headers=HTMX).text
    assert client.post(where, data={"why": " "}).status_code == 422
    response = client.post(where, data={"why": "by hand", "back": "/orders?owed=1"})
    assert (response.status_code, response.headers["Location"]) == (303, "/orders?owed=1")
    html = client.get("/orders?owed=1").text
    assert "Nothing is owed back." in html
    assert "Money owed given back" in client.get(f"/orders/{order.id}").text
    again = client.post(where, data={"why": "by hand"})
    assert (again.status_code, "Nothing is owed" in again.text) == (422, True)


def test_another_shops_debt_is_not_there(client: FlaskClient, account: GatewayAccount, manager: User) -> None:
    stranger = make_order(make_shop())
    assert client.post(f"/orders/{stranger.id}/settlement", data={"why": "x"}).status_code == 404


# Many at once


@pytest.mark.parametrize(("verb", "effect"), [(Verb.reopen, Effect.reopened), (Verb.owe, Effect.owed)])
def test_many_are_decided_at_once_with_the_same_foresight(
    client: FlaskClient, account: GatewayAccount, manager: User, verb: Verb, effect: Effect
) -> None:
    callbacks = [late(account) for _ in range(4)]
    selection = Selection(Filter(Tab.decide))
    found = preview.effects_of(verb, selection, account.shop)
    assert (found.total, found.effects) == (4, {effect: 4})
    assert found.money(effect) == [Money(4 * 5990, "EUR")]
    assert all(callback.state is State.unprocessed for callback in callbacks)
    run = BulkRun.start(account.shop, manager, verb, selection, "after the outage")
    db.session.commit()
    while run.state is RunState.running:
        bulk()
        process()
    assert (run.state, run.succeeded) == (RunState.done, 4)
    assert {callback.effect for callback in callbacks} == {effect}
