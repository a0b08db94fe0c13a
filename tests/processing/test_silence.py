"""Money is never wrong in silence: cases in which it was, each found while somebody tried to make it so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback, More
from shopcallbacks.callbacks.related import waiting_on
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason, Refused
from shopcallbacks.domain.states import Effect, Entry, OrderState, State, Verb
from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs.sweeps import tick
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_account, make_callback, make_order, make_shop, message, process
from .saying import Saying, saying_account, told

pytestmark = pytest.mark.usefixtures("app", "saying")


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    return saying_account(shop, "one")


def ruled(callback: Callback, verb: Verb, **more: Any) -> Callback:
    Callback.lock(callback.id).do(verb, None, "why", more=More(**more))
    process()
    return db.session.get_one(Callback, callback.id)


def said(outcome: Outcome, minor: int | None = None, order: str = "1", tx: str | None = "t", **more: Any) -> Message:
    return Message(outcome, order, tx, money=None if minor is None else Money(minor, "EUR"), test=False, **more)


def paid(minor: int, order: str = "1", tx: str | None = "t", **more: Any) -> Message:
    return said(Outcome.paid, minor, order, tx, **more)


# What is suspicious is for a person, whatever becomes of the order


def test_what_is_suspicious_is_not_taken_when_the_order_comes(shop: Shop) -> None:
    account = make_account(shop)
    first = make_order(shop)
    make_callback(account, message(first, transaction_id="pi_1", event_id="evt_1"))
    forged = make_callback(account, message("2", transaction_id="pi_2", event_id="evt_1", money=Money(6000, "EUR")))
    process()
    order = make_order(shop, "2", 6000)
    process()
    assert (forged.state, forged.reason) == (State.unprocessed, Reason.unclear)
    assert "Suspicious" in forged.detail
    assert order.state is OrderState.temporary


def test_what_is_suspicious_is_not_taken_when_a_person_moves_its_order(shop: Shop, account: GatewayAccount) -> None:
    shop.parts = True
    order = make_order(shop, "1", 5000)
    told(account, paid(5000, event_id="e0"), said(Outcome.refunded, 500, movement="r1", event_id="e1"))
    forged = told(account, said(Outcome.refunded, 4500, movement="r2", event_id="e1"))
    told(account, said(Outcome.refund_failed, 500, movement="r1"))
    moves.settle(order.id, None, "given back by hand")
    db.session.commit()
    process()
    assert db.session.get_one(Callback, forged.id).state is State.unprocessed
    assert order.given_back_minor == 500


def test_a_suspicious_refund_that_names_no_payment_is_not_taken_when_another_one_comes(
    shop: Shop, account: GatewayAccount
) -> None:
    make_order(shop, "1", 5000)
    told(account, paid(5000))
    told(account, said(Outcome.refunded, 500, tx=None, movement="r1", event_id="e1"))
    forged = told(account, said(Outcome.refunded, 700, tx=None, movement="r2", event_id="e1"))
    told(account, said(Outcome.refunded, 100, movement="r3", event_id="e3"))
    assert db.session.get_one(Callback, forged.id).state is State.unprocessed


# What is owed does not vanish


@pytest.mark.parametrize("released", [False, True])
def test_needs_refund_is_not_taken_back_while_other_money_of_the_payment_is_owed(
    shop: Shop, account: GatewayAccount, released: bool
) -> None:
    """Only this callback would be decided anew, and the other money would stand nowhere."""
    shop.parts = released
    order = make_order(shop, "1", 5000)
    if released:
        told(account, paid(2000, movement="m1"))
    moves.cancel(order.id, "the shop")
    db.session.commit()
    if not released:
        ruled(told(account, paid(2000, movement="m1")), Verb.owe)
    second = ruled(told(account, paid(3000, movement="m2")), Verb.owe)
    second = ruled(second, Verb.unowe)
    assert order.owed_minor == 5000
    assert (second.state, second.effect) == (State.processed, Effect.owed)
    assert "Other money of this payment is owed too" in second.attempts[-1].detail


def test_needs_refund_is_taken_back_and_given_again_as_often_as_wanted(shop: Shop, account: GatewayAccount) -> None:
    order = make_order(shop, "1", 5000)
    callback = ruled(told(account, paid(4000)), Verb.owe)
    for _ in range(2):
        callback = ruled(callback, Verb.unowe)
        assert (callback.state, order.owed_minor) == (State.unprocessed, 0)
        callback = ruled(callback, Verb.owe)
        assert (callback.state, order.owed_minor) == (State.processed, 4000)


# Tolerance


@pytest.fixture
def tolerant(account: GatewayAccount) -> GatewayAccount:
    account.tolerance_minor = 100
    db.session.commit()
    return account


def test_a_sum_so_far_is_compared_by_what_it_adds(shop: Shop, tolerant: GatewayAccount) -> None:
    order = make_order(shop, "1", 10000)
    ruled(told(tolerant, paid(4000, total=True)), Verb.part)
    small = told(tolerant, paid(6100, total=True))
    assert (small.state, small.reason) == (State.unprocessed, Reason.amount_mismatch)
    nearly = told(tolerant, paid(9950, total=True))
    assert (nearly.effect, order.state, order.taken_minor, order.waived_minor) == (
        Effect.accepted,
        OrderState.open,
        9950,
        50,
    )


@pytest.mark.parametrize("minor", [0, -20])
def test_no_money_is_no_small_difference(shop: Shop, tolerant: GatewayAccount, minor: int) -> None:
    make_order(shop, "1", 50)
    assert told(tolerant, paid(minor)).state is State.unprocessed


@pytest.mark.parametrize(("part", "effect"), [(False, Effect.accepted), (True, Effect.part_paid)])
def test_where_parts_add_up_a_small_difference_is_no_part_unless_the_gateway_says_so(
    shop: Shop, tolerant: GatewayAccount, part: bool, effect: Effect
) -> None:
    shop.parts = True
    make_order(shop, "1", 5000)
    assert told(tolerant, paid(4950, part=part)).effect is effect


# What comes back


@pytest.mark.parametrize("minor", [0, -1000])
@pytest.mark.parametrize(
    ("left", "back"),
    [(Outcome.refunded, Outcome.refund_failed), (Outcome.charged_back, Outcome.chargeback_reversed)],
)
def test_no_sum_and_none_below_zero_comes_back(
    shop: Shop, account: GatewayAccount, left: Outcome, back: Outcome, minor: int
) -> None:
    order = make_order(shop, "1", 5000)
    told(account, paid(5000), said(left, 1000, movement="r1"))
    before = [(row.entry, row.minor) for row in order.ledger]
    callback = told(account, said(back, minor, movement="r1"))
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.unclear)
    assert [(row.entry, row.minor) for row in order.ledger] == before


def test_a_dispute_that_ends_without_naming_its_payment_is_over(shop: Shop, account: GatewayAccount) -> None:
    order = make_order(shop, "1", 5000)
    told(account, paid(5000), said(Outcome.disputed, 5000, tx=None))
    told(account, said(Outcome.chargeback_reversed, tx=None))
    (payment,) = order.facts.payments
    assert payment.dispute == "over"


# What holds an order back


def test_money_at_an_account_that_was_switched_off_holds_back_a_cancellation_still(
    shop: Shop, account: GatewayAccount
) -> None:
    order = make_order(shop, "1", 5000)
    waits = told(account, paid(4900))
    account.enabled = False
    db.session.commit()
    told(saying_account(shop, "two"), said(Outcome.failed, 5000, tx="f"))
    assert order.state is OrderState.temporary
    assert db.session.get_one(Callback, waits.id).reason is Reason.amount_mismatch


@pytest.mark.parametrize("transaction", ["1001", "1002"])
def test_money_for_another_order_holds_back_none_that_knows_its_number_from_another_account(
    shop: Shop, account: GatewayAccount, transaction: str
) -> None:
    order = make_order(shop, "1", 5000, expires_at=utcnow() + timedelta(hours=1))
    make_order(shop, "2", 7000)
    told(account, said(Outcome.failed, 9, "1", "1001"))
    told(saying_account(shop, "two"), paid(7100, "2", transaction))
    assert not waiting_on(order, order.facts)
    db.session.execute(text("UPDATE orders SET expires_at = now() - interval '1 minute' WHERE number = '1'"))
    db.session.commit()
    tick()
    process()
    assert db.session.get_one(Order, order.id, populate_existing=True).state is OrderState.cancelled


# What is asked again says more


def test_what_a_gateway_says_in_between_when_it_is_read_again_is_decided(
    shop: Shop, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order(shop, "1", 5000)
    charged_back = said(Outcome.charged_back, 1000, total=True)
    callback = told(account, paid(4900), charged_back)
    assert callback.state is State.unprocessed

    def says_more(self: Saying, request: Request, settings: Mapping[str, Any], evidence: object) -> tuple[Message, ...]:
        return paid(4900), said(Outcome.refunded, 500, total=True), charged_back

    monkeypatch.setattr(Saying, "interpret", says_more)
    ruled(callback, Verb.retry)
    assert [(row.entry, row.minor) for row in order.ledger] == [(Entry.chargeback, 1000), (Entry.refund, 500)]


def test_a_person_who_asks_for_what_does_not_fit_is_refused_and_told(shop: Shop, account: GatewayAccount) -> None:
    make_order(shop, "1", 5000)
    callback = told(account, paid(5000))
    with pytest.raises(Refused):
        ruled(callback, Verb.owe)
