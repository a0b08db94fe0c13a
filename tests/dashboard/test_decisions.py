"""Money that waits for a person's word: taken after all, owed back, dealt with; asked, applied, seen and settled."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.bulk import preview, receipt
from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks import moves, undo
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import decisions
from shopcallbacks.domain.errors import Conflict, Refused
from shopcallbacks.domain.states import AttemptKind, Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Money, Outcome, Verdict
from shopcallbacks.extensions import db
from shopcallbacks.jobs import bulk
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.order import Order
from shopcallbacks.panel.filter import Filter, Tab
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

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
    """A payment of an order that the shop has given up."""
    order = make_order(account.shop)
    moves.cancel(order.id, "the shop")
    callback = make_callback(account, message(order, transaction_id=f"pi_late_{order.id}"))
    process()
    assert (callback.to_decide, callback.conflict) == (True, Conflict.order_cancelled)
    return callback


def differs(account: GatewayAccount, minor: int = 5000, currency: str = "EUR") -> Callback:
    """A payment of another sum, or in another currency, than its order's."""
    callback = make_callback(account, message(make_order(account.shop), money=Money(minor, currency)))
    process()
    assert callback.to_decide
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
    assert (order.owed, [row.owed for row in order.ledger]) == ((order.total,), [order.amount_minor])
    assert decisions.still_open(account.shop_id, utcnow()).owed == (order.total,)
    refund = message(order, Outcome.refunded, transaction_id=callback.transaction_id, movement="re_1")
    make_callback(account, refund)
    process()
    assert order.owed == ()
    assert not decisions.still_open(account.shop_id, utcnow())


def test_a_second_payment_of_an_open_order_can_be_owed_back_and_not_reopen_it(
    account: GatewayAccount, manager: User
) -> None:
    order = make_order(account.shop)
    make_callback(account, message(order))
    second = make_callback(account, message(order))
    process()
    with pytest.raises(Refused, match="can't be reopened"):
        ruled(second, "reopen", manager)
    ruled(second, "owe", manager)
    assert (second.state, order.state, order.owed) == (State.processed, OrderState.open, (order.total,))


def test_a_ruling_is_for_what_was_found_genuine_only(account: GatewayAccount, manager: User) -> None:
    stranger = make_account(account.shop, signing_secrets=["whsec_other"])
    signer = make_account(account.shop)
    forged = make_callback(stranger, request_for(signer, message(make_order(account.shop))))
    process()
    for verb in [verb for verb in Verb if verb.rules or verb is Verb.close]:
        with pytest.raises(Refused, match="can't be"):
            forged.do(verb, manager, "please")


def test_a_ruling_needs_a_reason(account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    for verb in ("reopen", "owe"):
        with pytest.raises(Refused, match="Say why"):
            callback.do(Verb(verb), manager, " ")


def test_a_ruling_asks_no_gateway_once_more(account: GatewayAccount) -> None:
    shop = account.shop
    paypal = make_account(
        shop, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live", order_field="invoice"
    )
    callback = make_callback(paypal, message(make_order(shop)))
    assert callback.would_ask(AttemptKind.retry)
    assert not any(callback.would_ask(verb.attempts) for verb in Verb if verb.rules and verb.attempts)


def test_the_order_that_was_reopened_by_one_payment_is_not_by_the_next(account: GatewayAccount, manager: User) -> None:
    first = late(account)
    other = make_callback(account, message(order_of(first), transaction_id="pi_other"))
    process()
    first.do(Verb.reopen, manager, "the first")
    other.do(Verb.reopen, manager, "the other")
    process()
    assert (first.state, other.state) == (State.processed, State.unprocessed)
    assert order_of(first).paid == order_of(first).total


def test_what_is_owed_is_settled_by_a_persons_word_once(account: GatewayAccount, manager: User) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    order = order_of(callback)
    moves.settle(order.id, manager, "bank transfer")
    db.session.commit()
    assert (order.owed, order.given_back.minor) == ((), 0)
    with pytest.raises(Refused, match="Nothing is owed"):
        moves.settle(order.id, manager, "again")
    act = db.session.query(Activity).order_by(Activity.id.desc()).first()
    assert act is not None
    assert (act.verb, act.why, act.order_id) == ("settle", "bank transfer", order.id)
    refund = message(order, Outcome.refunded, transaction_id=callback.transaction_id, movement="re_1")
    told = make_callback(account, refund)
    process()
    assert (told.state, told.effect, order.owed) == (State.processed, Effect.recorded, ())


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
    assert [word in html for word in ("Reopen…", "Needs refund…", "Dealt with…", "Remove…")] == [True] * 4
    ask = client.get(f"/callbacks/{callback.id}/reopening", headers=HTMX).text
    assert "cancelled → <strong>open</strong>" in ask
    assert f"Reopen order {order_of(callback).number}" in ask
    ask = client.get(f"/callbacks/{callback.id}/debt", headers=HTMX).text
    assert "stays cancelled; payment owed back" in ask
    ask = client.get(f"/callbacks/{callback.id}/removal", headers=HTMX).text
    assert "For what is fake or not yours." in ask
    assert f"/callbacks/{callback.id}/closure" in ask  # this one is genuine: dealt with, if anything


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


def test_another_shops_debt_is_not_there(client: FlaskClient, account: GatewayAccount, manager: User) -> None:
    stranger = make_order(make_shop())
    assert client.post(f"/orders/{stranger.id}/settlement", data={"why": "x"}).status_code == 404


# What only differs in its sum


def test_a_sum_that_differs_is_accepted_and_the_rest_is_let_go(account: GatewayAccount, manager: User) -> None:
    callback = differs(account, 5000)
    ruled(callback, "accept", manager)
    order = order_of(callback)
    assert (callback.effect, order.state, order.paid) == (Effect.accepted, OrderState.open, Money(5000, "EUR"))
    assert (order.waived_minor, order.owed, order.need.minor) == (990, (), 0)


def test_what_is_accepted_above_the_order_is_owed_back(account: GatewayAccount, manager: User) -> None:
    callback = differs(account, 6990)
    ruled(callback, "accept", manager)
    assert (order_of(callback).paid, order_of(callback).owed) == (Money(5990, "EUR"), (Money(1000, "EUR"),))


def test_a_part_is_taken_and_the_order_waits_for_the_rest(account: GatewayAccount, manager: User) -> None:
    callback = differs(account, 5000)
    ruled(callback, "part", manager)
    order = order_of(callback)
    assert (callback.effect, order.state, order.need) == (
        Effect.part_paid,
        OrderState.awaiting_payment,
        Money(990, "EUR"),
    )


def test_a_verb_that_does_not_fit_is_refused_at_once_and_asks_for_nothing(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    callback = differs(account, 6990)
    assert "Take as a part…" not in client.get("/callbacks?tab=decide").text
    ask = client.get(f"/callbacks/{callback.id}/part", headers=HTMX).text
    assert "It can&#39;t be done: Only less than the order still needs is a part of it." in ask
    assert 'type="submit"' not in ask
    answer = client.post(f"/callbacks/{callback.id}/part", data={"why": "x"}, headers=HTMX)
    assert (answer.status_code, "Only less than the order still needs" in answer.text) == (409, True)
    assert (callback.due_at, callback.attempt_count) == (None, 1)


def limited(account: GatewayAccount, limit: Money) -> None:
    account.shop.accept_limit_minor, account.shop.accept_limit_currency = limit.minor, limit.currency
    db.session.commit()


def test_above_the_shops_limit_only_an_admin_accepts_and_a_manager_hears_so_before(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    limited(account, Money(1000, "EUR"))
    callback = differs(account, 5000)
    page = client.get(f"/callbacks/{callback.id}").text
    assert ("Accept…" in page, "is for an admin to accept" in page) == (False, True)
    ask = client.get(f"/callbacks/{callback.id}/acceptance", headers=HTMX).text
    assert ("More than 10.00 EUR, or another currency, is for an admin" in ask, 'type="submit"' in ask) == (True, False)
    answer = client.post(f"/callbacks/{callback.id}/acceptance", data={"why": "x"}, headers=HTMX)
    assert (answer.status_code, callback.due_at) == (409, None)
    found = preview.effects_of(Verb.accept, Selection(Filter(Tab.decide)), account.shop, manager)
    assert list(found.skipped) == ["More than 10.00 EUR, or another currency, is for an admin to accept."]
    log_in(client, make_user(Role.admin, account.shop))
    client.post(f"/callbacks/{callback.id}/acceptance", data={"why": "agreed"}, headers=HTMX)
    process()
    assert callback.effect is Effect.accepted


def test_the_question_tells_what_else_would_move(client: FlaskClient, account: GatewayAccount, manager: User) -> None:
    """The payment that opened the order is gone: once it is out of the books, the other one that waited is taken."""
    order = make_order(account.shop)
    make_callback(account, message(order, transaction_id="pi_first"))
    second = make_callback(account, message(order, transaction_id="pi_second"))
    process()
    gone = make_callback(account, message(order, Outcome.failed, transaction_id="pi_first"))
    process()
    assert (second.conflict, gone.conflict) == (Conflict.paid_already, Conflict.payment_gone)
    ask = client.get(f"/callbacks/{gone.id}/withdrawal", headers=HTMX).text
    assert f"Callback {second.id}, looked at again" in ask
    assert second.state is State.unprocessed
    ruled(gone, "take_back", manager)
    assert (second.state, order.state, order.paid) == (State.processed, OrderState.open, order.total)


# Thought better of


def test_what_is_owed_can_be_undone_until_it_was_given_back(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    act = Activity.last_about(callback.id)
    assert act is not None
    assert undo.opposite(act) is Verb.unowe
    assert client.post(f"/activity/{act.id}/undo").status_code == 303
    process()
    order = order_of(callback)
    assert (callback.state, callback.conflict, order.owed) == (State.unprocessed, Conflict.payment_taken_out, ())
    ruled(callback, "reopen", manager)
    assert (callback.effect, order.state, order.paid) == (Effect.reopened, OrderState.open, order.total)


@pytest.mark.parametrize("by_the_gateway", [True, False])
def test_what_was_given_back_is_not_decided_anew(
    client: FlaskClient, account: GatewayAccount, manager: User, by_the_gateway: bool
) -> None:
    callback = late(account)
    ruled(callback, "owe", manager)
    order = order_of(callback)
    act = Activity.last_about(callback.id)
    assert act is not None
    if by_the_gateway:
        refund = message(order, Outcome.refunded, transaction_id=callback.transaction_id, movement="re_1")
        make_callback(account, refund)
        process()
    else:
        moves.settle(order.id, manager, "by hand")
        db.session.commit()
    sentence = "It has been given back since, at least in part."
    ask = client.get(f"/callbacks/{callback.id}/debt-release", headers=HTMX).text
    assert (sentence in ask, 'type="submit"' in ask) == (True, False)
    answer = client.post(f"/activity/{act.id}/undo", headers=HTMX)
    assert (answer.status_code, sentence in answer.text) == (409, True)
    callback.do(Verb.unowe, manager, "no screen before it")
    process()
    assert (callback.state, callback.effect) == (State.processed, Effect.owed)
    assert sentence in client.get(f"/callbacks/{callback.id}/row", headers=HTMX).text


def test_what_was_dealt_with_is_restored_and_that_undone_is_dealt_with_again(
    client: FlaskClient, account: GatewayAccount, manager: User
) -> None:
    callback = late(account)
    client.post(f"/callbacks/{callback.id}/closure", data={"why": "booked in the shop"}, headers=HTMX)
    assert (callback.state, callback.effect) == (State.processed, Effect.closed)
    assert "dealt with by you" in client.get(f"/callbacks/{callback.id}/row", headers=HTMX).text
    client.post(f"/callbacks/{callback.id}/restoration", headers=HTMX)
    assert (callback.state, callback.to_decide) == (State.unprocessed, True)
    act = Activity.last_about(callback.id)
    assert act is not None
    client.post(f"/activity/{act.id}/undo", headers=HTMX)
    assert (callback.state, callback.effect) == (State.processed, Effect.closed)


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
    run = finished(BulkRun.start(account.shop, manager, verb, selection, "after the outage"))
    assert (run.state, run.succeeded) == (RunState.done, 4)
    assert {callback.effect for callback in callbacks} == {effect}


def finished(run: BulkRun) -> BulkRun:
    db.session.commit()
    while run.state is RunState.running:
        bulk()
        process()
    return run


def test_a_run_of_debts_is_undone_but_for_those_that_were_given_back(account: GatewayAccount, manager: User) -> None:
    callbacks = [late(account) for _ in range(3)]
    run = finished(BulkRun.start(account.shop, manager, Verb.owe, Selection(Filter(Tab.decide)), "sold out"))
    moves.settle(order_of(callbacks[2]).id, manager, "by hand")
    found = preview.effects_of(Verb.unowe, Selection(Filter(Tab.processed)), account.shop)
    assert (found.moved, found.stays) == (2, {"It has been given back since, at least in part": 1})
    undone = finished(run.undo(manager))
    assert (undone.succeeded, undone.failed) == (2, 1)
    assert [callback.to_decide for callback in callbacks] == [True, True, False]
    assert {tally.result for tally in receipt.tallies(undone)} == {
        "to be decided anew",
        "nothing owed to take back",
    }


def test_a_run_that_restored_is_undone_each_as_it_was_put_away(account: GatewayAccount, manager: User) -> None:
    callbacks = [late(account) for _ in range(2)]
    callbacks[0].do(Verb.close, manager, "by hand")
    callbacks[1].do(Verb.remove, manager, "not ours")
    run = finished(BulkRun.start(account.shop, manager, Verb.restore, Selection(Filter(Tab.all)), ""))
    assert {callback.state for callback in callbacks} == {State.unprocessed}
    finished(run.undo(manager))
    assert [callback.state for callback in callbacks] == [State.processed, State.invalid]


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb.of_one])
def test_what_needs_a_word_of_its_own_is_not_done_to_many(client: FlaskClient, manager: User, verb: Verb) -> None:
    assert client.get(f"/bulk/new?verb={verb}&all=1").status_code == 400
    assert verb not in {verb for tab in Tab for verb in tab.verbs}
