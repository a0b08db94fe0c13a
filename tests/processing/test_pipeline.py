"""The story, on a real database: what comes of each kind of callback, and what is kept of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from shopcallbacks.callbacks import due, moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Conflict, Reason, Refused
from shopcallbacks.domain.money import Decision, OrderFacts
from shopcallbacks.domain.states import AttemptKind, Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Answer, Ask, Money, NoAnswer, Outcome, Request, Verdict, Verification
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.processing import deciding, pipeline
from shopcallbacks.shops.accounts import GatewayAccount, Mode

from ..factories import (
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
    request_for,
    request_of,
)
from .saying import Saying, say

pytestmark = pytest.mark.usefixtures("app")


def changed(request: Request, **fields: object) -> Request:
    return dataclasses.replace(request, **fields)  # type: ignore[arg-type]


def test_a_genuine_payment_opens_the_order_and_leaves_its_trace() -> None:
    account = make_account()
    order = make_order(account.shop)
    said = message(order)
    callback = make_callback(account, said)
    process()
    assert (order.state, order.paid) == (OrderState.open, order.total)
    assert (callback.state, callback.effect, callback.order_id) == (State.processed, Effect.opened, order.id)
    assert callback.settled_at is not None
    (attempt,) = callback.attempts
    assert (attempt.kind, attempt.verdict, attempt.effect) == (AttemptKind.first, Verdict.genuine, Effect.opened)
    assert attempt.secret is not None
    assert [event.kind for event in order.events] == ["created", "opened"]
    assert order.ledger[0].callback_id == callback.id


def test_the_same_callback_twice_has_one_effect_and_both_are_processed() -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order))
    first, second = make_callback(account, request), make_callback(account, request)
    process()
    assert first.effect is Effect.opened
    assert (second.state, second.effect, second.repeats_id) == (State.processed, Effect.repeated, first.id)
    assert len(order.ledger) == 1


def test_two_events_of_one_payment_book_it_once() -> None:
    account = make_account()
    order = make_order(account.shop)
    said = message(order)
    make_callback(account, said)
    second = make_callback(account, dataclasses.replace(said, event_id="evt_other"))
    process()
    assert second.effect is Effect.repeated
    assert len(order.ledger) == 1


def test_a_forged_callback_changes_nothing_and_shows_what_it_claims() -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order))
    callback = make_callback(account, changed(request, body=request.body.replace(b"5990", b"5991")))
    process()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.not_genuine)
    assert (callback.outcome, callback.amount_minor) == (Outcome.paid, 5991)
    assert callback.messages == []
    assert order.state is OrderState.temporary


def test_a_callback_signed_with_a_retired_secret_says_so() -> None:
    account = make_account(gateway="stripe", signing_secrets=["whsec_old"])
    order = make_order(account.shop)
    request = request_for(account, message(order))
    account.shop.time_zone = "Asia/Tokyo"
    account.secrets[0].ends_at = utcnow() - timedelta(hours=1)
    account.configure({"signing_secrets": ["whsec_new"]})
    callback = make_callback(account, request)
    process()
    assert callback.reason is Reason.not_genuine
    assert callback.detail.startswith("would have passed with the secret retired ")
    assert callback.detail.endswith(" JST")
    assert callback.attempts[0].diagnosis == callback.detail


def test_a_secret_entered_late_lets_the_retry_succeed() -> None:
    account = make_account(signing_secrets=["whsec_old"])
    order = make_order(account.shop)
    other = make_account(account.shop, signing_secrets=["whsec_new"])
    callback = make_callback(account, request_for(other, message(order)))
    process()
    assert "would have passed with the secret of the account" in callback.detail
    account.configure({"signing_secrets": ["whsec_new"]})
    callback.do(Verb.retry, None)
    process()
    assert callback.state is State.processed


def test_the_age_of_a_signature_is_judged_by_its_arrival() -> None:
    account = make_account()
    order = make_order(account.shop, "late-1")
    callback = make_callback(account, message("late-1"), at=utcnow() - timedelta(days=7))
    process()
    assert callback.state is State.processed
    assert order.state is OrderState.open


@pytest.mark.parametrize(
    ("more", "reason", "detail"),
    [
        ({"money": Money(599, "EUR")}, Reason.amount_mismatch, "order 59.90 EUR, callback 5.99 EUR"),
        ({"money": Money(5990, "USD")}, Reason.currency_mismatch, "order in EUR, callback in USD"),
    ],
)
def test_other_money_than_the_orders_is_for_a_person(more: dict[str, Money], reason: Reason, detail: str) -> None:
    account = make_account()
    order = make_order(account.shop)
    callback = make_callback(account, message(order, **more))
    process()
    assert (callback.state, callback.reason, callback.detail) == (State.unprocessed, reason, detail)
    assert order.state is OrderState.temporary


def test_the_second_card_opens_an_order_that_the_first_had_cancelled() -> None:
    account = make_account()
    order = make_order(account.shop)
    make_callback(account, message(order, Outcome.failed))
    process()
    assert order.state is OrderState.cancelled
    callback = make_callback(account, message(order))
    process()
    assert (callback.effect, order.state) == (Effect.reopened, OrderState.open)


def test_paid_for_an_order_that_the_shop_gave_up_is_a_conflict() -> None:
    account = make_account()
    order = make_order(account.shop)
    moves.cancel(order.id, "the shop")
    db.session.commit()
    assert order.state is OrderState.cancelled
    callback = make_callback(account, message(order))
    process()
    assert (callback.reason, callback.detail) == (Reason.order_conflict, "Paid, but the order is cancelled.")
    assert (callback.conflict, callback.to_decide) == (Conflict.order_cancelled, True)


def test_an_order_that_is_late_is_waited_for_and_wakes_its_callback() -> None:
    account = make_account()
    callback = make_callback(account, message("251123-late"))
    process()
    assert (callback.reason, callback.due_kind) == (Reason.order_not_found, AttemptKind.automatic)
    assert callback.due_at is not None
    assert timedelta(seconds=8) < callback.due_at - utcnow() < timedelta(seconds=13)
    order = make_order(account.shop, "251123-late")
    process()
    assert (callback.state, order.state) == (State.processed, OrderState.open)
    assert [attempt.kind for attempt in callback.attempts] == [AttemptKind.first, AttemptKind.automatic]


def test_automatic_attempts_end_after_five_and_a_person_is_needed() -> None:
    account = make_account()
    callback = make_callback(account, message("251123-never"))
    process()
    waits = []
    while callback.due_at is not None:
        waits.append((callback.due_at - utcnow()).total_seconds())
        callback.due_at = utcnow()
        process()
    assert [attempt.kind for attempt in callback.attempts] == [AttemptKind.first] + [AttemptKind.automatic] * 5
    assert callback.state is State.unprocessed
    for wait, expected in zip(waits, (10, 60, 300, 1800, 7200), strict=True):
        assert expected * 0.85 < wait < expected * 1.25


def test_force_skips_the_check_and_nothing_else() -> None:
    account = make_account()
    order = make_order(account.shop)
    user = make_user()
    request = request_for(account, message(order))
    callback = make_callback(account, changed(request, headers=()))
    process()
    callback.do(Verb.force, user, "payment seen in Stripe")
    process()
    assert (callback.state, order.state) == (State.processed, OrderState.open)
    attempt = callback.attempts[-1]
    assert (attempt.kind, attempt.verdict, attempt.why) == (
        AttemptKind.forced,
        Verdict.skipped,
        "payment seen in Stripe",
    )
    assert attempt.asked_by == user


def test_force_does_not_skip_the_amount() -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order, money=Money(1, "EUR")))
    callback = make_callback(account, changed(request, headers=()))
    process()
    callback.do(Verb.force, make_user(), "please")
    process()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.amount_mismatch)
    assert order.state is OrderState.temporary


def test_another_shops_order_does_not_exist() -> None:
    account = make_account()
    foreign = make_order(make_shop(), "251123-x")
    callback = make_callback(account, message("251123-x"))
    process()
    assert callback.reason is Reason.order_not_found
    assert foreign.state is OrderState.temporary


def test_an_order_that_names_an_account_moves_only_by_it() -> None:
    account = make_account()
    other = make_account(account.shop)
    order = make_order(account.shop, account_id=other.id)
    callback = make_callback(account, message(order))
    process()
    assert callback.reason is Reason.order_conflict
    assert order.state is OrderState.temporary


def test_a_test_account_never_moves_a_live_order() -> None:
    account = make_account(mode=Mode.test)
    order = make_order(account.shop)
    said = message(order, test=None)
    body = request_for(account, said).body
    event = json.loads(body)
    event.pop("livemode")
    callback = make_callback(account, changed(request_for(account, said), body=json.dumps(event).encode(), headers=()))
    process()
    callback.do(Verb.force, make_user(), "try")
    process()
    assert callback.reason is Reason.order_conflict
    assert order.state is OrderState.temporary


def test_a_disabled_accounts_callbacks_are_kept_and_not_believed() -> None:
    account = make_account()
    order = make_order(account.shop)
    account.disable()
    callback = make_callback(account, message(order))
    process()
    assert callback.reason is Reason.account_disabled
    account.enable()
    callback.do(Verb.retry, None)
    process()
    assert callback.state is State.processed


def test_an_account_without_a_secret_fails_closed() -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order))
    account.secrets[0].ends_at = utcnow() - timedelta(seconds=1)
    callback = make_callback(account, request)
    process()
    assert (callback.reason, callback.detail) == (
        Reason.account_disabled,
        "The gateway account has no signing secrets.",
    )


def test_the_same_event_with_another_body_and_meaning_is_suspicious() -> None:
    account = make_account()
    order, other = make_order(account.shop), make_order(account.shop)
    make_callback(account, message(order, event_id="evt_same"))
    process()
    callback = make_callback(account, message(other, event_id="evt_same"))
    process()
    assert callback.reason is Reason.unclear
    assert callback.detail.startswith("Suspicious: the event evt_same came before")
    assert other.state is OrderState.temporary


def test_a_payment_booked_on_one_order_is_not_booked_on_another() -> None:
    account = make_account()
    order, other = make_order(account.shop), make_order(account.shop)
    make_callback(account, message(order, transaction_id="pi_1"))
    callback = make_callback(account, message(other, transaction_id="pi_1"))
    process()
    assert (callback.reason, other.state) == (Reason.order_conflict, OrderState.temporary)


def test_a_callback_that_breaks_our_code_is_kept_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    order, other = make_order(account.shop), make_order(account.shop)
    poison, good = make_callback(account, message(order)), make_callback(account, message(other))
    decide = deciding.decide

    def breaks(facts: OrderFacts, *more: Any) -> Decision:
        if facts.number == order.number:
            raise ZeroDivisionError
        return decide(facts, *more)

    monkeypatch.setattr(deciding, "decide", breaks)
    process()
    assert (poison.state, poison.reason) == (State.unprocessed, Reason.crashed)
    assert "ZeroDivisionError" in (poison.attempts[0].error or "")
    assert "ZeroDivisionError" not in poison.detail
    assert good.state is State.processed
    monkeypatch.undo()
    poison.do(Verb.retry, None)
    process()
    assert poison.state is State.processed


def test_a_preview_says_what_would_happen_and_changes_nothing() -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order))
    callback = make_callback(account, changed(request, headers=()))
    process()
    before = (callback.version, order.changed_at, len(callback.attempts))
    (forced,), _ = pipeline.rehearse([callback], AttemptKind.forced)
    assert (forced.failure, [result.effect for result in forced.results]) == (None, [Effect.opened])
    (retried,), _ = pipeline.rehearse([callback], AttemptKind.retry)
    assert retried.failure is not None
    db.session.commit()
    db.session.expire_all()
    assert (callback.version, order.changed_at, len(callback.attempts)) == before
    assert order.state is OrderState.temporary


# A person's verbs


def test_remove_marks_as_invalid_and_restore_brings_it_back() -> None:
    account = make_account()
    callback = make_callback(account, changed(request_for(account, message("x")), headers=()))
    process()
    user = make_user()
    callback.do(Verb.remove, user, "spam")
    db.session.commit()
    assert callback.state is State.invalid
    callback.do(Verb.restore, user)
    db.session.commit()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.not_genuine)


def test_a_removed_callback_is_not_tried_again_by_itself() -> None:
    callback = make_callback(make_account(), message("not-there"))
    process()
    callback.do(Verb.remove, make_user(), "not ours")
    db.session.commit()
    assert (callback.due_at, callback.due_kind) == (None, None)


def test_two_managers_on_one_row_have_one_effect() -> None:
    account = make_account()
    callback = make_callback(account, changed(request_for(account, message("x")), headers=()))
    process()
    seen = callback.version
    first, second = make_user(), make_user()
    callback.do(Verb.retry, first, seen=seen)
    db.session.commit()
    with pytest.raises(Refused, match="moved on since you saw it: being tried again, asked by Manager Person"):
        callback.do(Verb.retry, second, seen=seen)


@pytest.mark.parametrize("verb", ["retry", "force", "remove", "restore"])
def test_a_processed_callback_takes_no_verb(verb: str) -> None:
    account = make_account()
    callback = make_callback(account, message(make_order(account.shop)))
    process()
    with pytest.raises(Refused):
        callback.do(Verb(verb), make_user(), "why not")


@pytest.mark.parametrize("verb", ["force", "remove"])
def test_force_and_remove_want_a_reason(verb: str) -> None:
    callback = make_callback(make_account(), message("x"))
    process()
    with pytest.raises(Refused, match="Say why"):
        callback.do(Verb(verb), make_user(), " ")


# Asking


PAYPAL = {"receiver_emails": ["paypal@shop.example"], "environment": "live", "order_field": "invoice"}


class PayPal:
    """Stands in for the network: answers what it is told to."""

    def __init__(self, answer: Answer | NoAnswer) -> None:
        self.answer = answer
        self.asked: list[Ask] = []

    def __call__(self, question: Ask) -> Answer | NoAnswer:
        self.asked.append(question)
        return self.answer


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (Answer(200, b"VERIFIED"), State.processed, None),
        (Answer(200, b"INVALID"), State.unprocessed, Reason.not_genuine),
        (Answer(503, b""), State.unprocessed, Reason.gateway_unreachable),
        (Answer(200, b"<html>VERIFIED</html>"), State.unprocessed, Reason.gateway_unreachable),
        (NoAnswer("no answer in 10 s"), State.unprocessed, Reason.gateway_unreachable),
    ],
)
def test_an_asked_gateways_answer_decides(
    app: Flask, monkeypatch: pytest.MonkeyPatch, answer: Answer | NoAnswer, state: State, reason: Reason | None
) -> None:
    paypal = PayPal(answer)
    monkeypatch.setitem(app.extensions, "ask", paypal)
    account = make_account(gateway="paypal_ipn", **PAYPAL)
    order = make_order(account.shop)
    callback = make_callback(account, message(order))
    process()
    assert (callback.state, callback.reason) == (state, reason)
    assert paypal.asked[0].body == b"cmd=_notify-validate&" + request_of(callback).body
    assert (callback.due_kind is AttemptKind.automatic) == (reason is Reason.gateway_unreachable)


def test_force_does_not_ask_the_gateway(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    paypal = PayPal(Answer(200, b"INVALID"))
    monkeypatch.setitem(app.extensions, "ask", paypal)
    account = make_account(gateway="paypal_ipn", **PAYPAL)
    order = make_order(account.shop)
    callback = make_callback(account, message(order))
    process()
    callback.do(Verb.force, make_user(), "seen in PayPal")
    process()
    assert (callback.state, order.state) == (State.processed, OrderState.open)
    assert len(paypal.asked) == 1


def test_an_answer_that_comes_after_the_callback_moved_on_is_dropped(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(gateway="paypal_ipn", **PAYPAL)
    order = make_order(account.shop)
    callback = make_callback(account, message(order))

    def removed_meanwhile(question: Ask) -> Answer:
        with app.app_context():
            other = Callback.lock(callback.id)
            other.received_at  # noqa: B018
            other.state, other.due_at, other.due_kind = State.invalid, None, None
            other.version += 1
            db.session.commit()
        return Answer(200, b"VERIFIED")

    monkeypatch.setitem(app.extensions, "ask", removed_meanwhile)
    process()
    assert (callback.state, order.state) == (State.invalid, OrderState.temporary)


def test_a_lease_that_ran_out_is_anybodys() -> None:
    callback = make_callback(make_account(gateway="paypal_ipn", **PAYPAL), message("x"))
    assert [one.id for one in due.lease(10, {}, 10, seconds=60)] == [callback.id]
    db.session.commit()
    assert due.lease(10, {}, 10, seconds=60) == []
    db.session.execute(update(Callback).values(leased_until=utcnow() - timedelta(seconds=1)))
    assert [one.id for one in due.lease(10, {}, 10, seconds=60)] == [callback.id]


def test_one_gateway_takes_no_more_than_its_share_of_a_lease() -> None:
    account = make_account(gateway="paypal_ipn", **PAYPAL)
    other = make_account(account.shop, gateway="paypal_ipn", **PAYPAL)
    for number in range(12):
        make_callback(account, message(str(number)))
    make_callback(other, message("other"))
    leased = due.lease(10, {}, 8, seconds=60)
    assert sorted(one.account_id for one in leased) == [account.id] * 8 + [other.id]


@pytest.mark.parametrize("claim", [due.claim, lambda limit: due.claim_of_few(limit)[0]])
def test_once_it_is_claimed_plans_are_made_as_ever(claim: Callable[[int], list[due.Due]]) -> None:
    """A claim rules out sorts and bitmaps, without which others would read whole tables."""
    make_callback(make_account(), message("x"))
    assert claim(10)
    settings = [db.session.scalar(text(f"SHOW {name}")) for name in ("enable_sort", "enable_bitmapscan")]
    assert settings == ["on", "on"]


# The feed


def test_the_feed_has_no_holes_and_follows_the_commits() -> None:
    account = make_account()
    orders = [make_order(account.shop) for _ in range(5)]
    for order in orders:
        make_callback(account, message(order))
    process()
    positions = db.session.scalars(select(OrderEvent.position).order_by(OrderEvent.id)).all()
    assert sorted(positions) == list(range(1, 11))
    assert db.session.scalar(select(func.count(LedgerRow.id))) == 5


def test_what_is_looked_at_again_keeps_the_name_of_its_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    class Delivering(Saying):
        def verify(self, request: Request, settings: Mapping[str, Any]) -> Verification:
            return Verification.genuine(delivery_id="delivery-1")

    monkeypatch.setitem(GATEWAYS, "saying", Delivering())
    shop = make_shop()
    account = GatewayAccount.add(shop, "saying", "saying", {})
    db.session.commit()
    callback = db.session.get_one(Callback, say(account, message("251126-late")))
    process()
    assert (callback.reason, callback.delivery_id) == (Reason.order_not_found, "delivery-1")
    make_order(shop, "251126-late")
    process()
    assert (callback.state, callback.delivery_id) == (State.processed, "delivery-1")
