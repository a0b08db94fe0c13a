"""What moves an order beside its callbacks: time, and a person's word on the order itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shopcallbacks import extensions
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.domain.money import Life
from shopcallbacks.domain.states import CancelledBy, OrderState, Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.jobs.sweeps import tick
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity

from ..factories import make_order, make_shop, make_user, message, process
from ..processing.saying import say

pytestmark = pytest.mark.usefixtures("saying")


@pytest.fixture
def account(saying: None) -> GatewayAccount:
    account = GatewayAccount.add(make_shop(), "saying", "saying", {})
    db.session.commit()
    return account


def hear(account: GatewayAccount, order: Order, outcome: Outcome, transaction: str = "pi_1", **more: Any) -> Callback:
    id_ = say(account, message(order, outcome, transaction_id=transaction, **more))
    process()
    return db.session.get_one(Callback, id_)


def after(**length: int) -> None:
    """So much later a sweep looks at what time moves."""
    now = utcnow() + timedelta(**length)
    for id_ in moves.due_by_time(now):
        moves.tick(id_, now)
    process()


def how(order: Order) -> tuple[OrderState, CancelledBy | None]:
    return order.state, order.cancelled_by


WAITS = (OrderState.temporary, None)
REFUSED = (OrderState.cancelled, CancelledBy.failed_try)
EXPIRED = (OrderState.cancelled, CancelledBy.expiry)


def test_an_order_that_kept_nothing_expires_at_its_time(account: GatewayAccount) -> None:
    order = make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30))
    after(minutes=29)
    assert how(order) == WAITS
    after(minutes=31)
    assert (how(order), order.events[-1].kind) == (EXPIRED, "expired")


def test_a_payment_of_an_expired_order_is_for_a_person(account: GatewayAccount) -> None:
    order = make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30))
    after(minutes=31)
    late = hear(account, order, Outcome.paid)
    assert (how(order), Verb.reopen in late.open_to) == (EXPIRED, True)


def test_an_order_does_not_expire_while_a_try_is_alive_or_a_part_is_kept(account: GatewayAccount) -> None:
    account.shop.parts = True
    tried, part = (make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30)) for _ in range(2))
    hear(account, tried, Outcome.pending, "pi_1")
    hear(account, part, Outcome.paid, "pi_2", money=Money(100, "EUR"))
    after(minutes=31)
    assert {tried.state, part.state} == {OrderState.awaiting_payment}
    hear(account, tried, Outcome.failed, "pi_1")
    after(minutes=32)
    assert (tried.state, part.state) == (OrderState.cancelled, OrderState.awaiting_payment)


def test_an_order_does_not_expire_while_a_payment_of_it_waits_for_a_person(account: GatewayAccount) -> None:
    order = make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30))
    other = hear(account, order, Outcome.paid, money=Money(100, "EUR"))
    after(minutes=31)
    assert how(order) == WAITS
    other.do(Verb.close, None, "given back by hand")
    db.session.commit()
    after(minutes=32)
    assert how(order) == EXPIRED


def test_a_refusal_is_held_back_for_as_long_as_the_shop_says(account: GatewayAccount) -> None:
    account.shop.refusal_cancels_after = 600
    order = make_order(account.shop)
    hear(account, order, Outcome.failed)
    assert (how(order), order.events[-1].kind) == (WAITS, "refused")
    after(seconds=590)
    assert how(order) == WAITS
    after(seconds=610)
    assert (how(order), order.events[-1].kind) == (REFUSED, "cancelled")


def test_what_is_paid_meanwhile_is_not_cancelled(account: GatewayAccount) -> None:
    account.shop.refusal_cancels_after = 600
    order = make_order(account.shop)
    hear(account, order, Outcome.failed, "pi_1")
    hear(account, order, Outcome.paid, "pi_2")
    after(seconds=610)
    assert order.state is OrderState.open


def test_a_new_try_lets_the_time_begin_anew(account: GatewayAccount) -> None:
    account.shop.refusal_cancels_after = 600
    order = make_order(account.shop)
    hear(account, order, Outcome.failed, "pi_1")
    hear(account, order, Outcome.pending, "pi_2")
    after(seconds=610)
    assert (order.state, order.held_since) == (OrderState.awaiting_payment, None)


def test_a_refusal_is_held_back_while_a_payment_of_the_order_waits_for_a_person(account: GatewayAccount) -> None:
    account.shop.refusal_cancels_after = 600
    order = make_order(account.shop)
    hear(account, order, Outcome.failed, "pi_1")
    other = hear(account, order, Outcome.paid, "pi_2", money=Money(100, "EUR"))
    after(seconds=610)
    assert how(order) == WAITS
    other.do(Verb.close, None, "given back by hand")
    db.session.commit()
    after(seconds=620)
    assert how(order) == REFUSED


def test_a_try_lives_without_a_word_for_as_long_as_its_account_says(account: GatewayAccount) -> None:
    account.try_lives_s = 3600
    order = make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30))
    hear(account, order, Outcome.pending)
    after(minutes=59)
    assert (order.state, order.payments[0].life) == (OrderState.awaiting_payment, Life.alive)
    after(minutes=61)
    assert (how(order), order.payments[0].life) == (EXPIRED, Life.ended)


def test_a_try_of_an_account_that_says_nothing_lives_for_ever(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    hear(account, order, Outcome.pending)
    after(days=4000)
    assert (order.state, order.payments[0].life) == (OrderState.awaiting_payment, Life.alive)


def test_orders_that_a_person_holds_up_do_not_stand_in_the_way_of_others(account: GatewayAccount) -> None:
    at = utcnow() + timedelta(minutes=30)
    first, second = make_order(account.shop, expires_at=at), make_order(account.shop, expires_at=at)
    hear(account, first, Outcome.paid, money=Money(100, "EUR"))
    assert moves.due_by_time(utcnow() + timedelta(minutes=31), limit=1) == [second.id]


def test_the_sweep_moves_what_is_due(account: GatewayAccount) -> None:
    order = make_order(account.shop, expires_at=utcnow() + timedelta(minutes=30))
    order.expires_at = utcnow() - timedelta(seconds=1)
    db.session.commit()
    tick()
    assert how(db.session.get_one(Order, order.id)) == EXPIRED


# A person's word


def test_a_try_is_ended_by_hand_and_the_act_is_kept(account: GatewayAccount) -> None:
    user, order = make_user(), make_order(account.shop)
    hear(account, order, Outcome.pending, "pi_1")
    moves.end_try(order.id, account.id, "pi_1", user, "The customer called.")
    db.session.commit()
    assert (order.payments[0].life, order.state) == (Life.ended, OrderState.awaiting_payment)
    assert order.events[-1].kind == "try_ended"
    act = db.session.query(Activity).where(Activity.order_id == order.id).one()
    assert (act.verb, act.user_id, act.why) == ("end try", user.id, "The customer called.")


def test_a_word_on_an_order_needs_a_reason_and_something_to_say_it_of(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    for why, sentence in ((" ", "Say why"), ("because", "Nothing is owed"), ("because", "No part of the order")):
        with pytest.raises(Refused, match=sentence):
            (moves.enough if sentence.startswith("No part") else moves.settle)(order.id, None, why)
    with pytest.raises(Refused, match="not alive"):
        moves.end_try(order.id, account.id, "pi_1", None, "because")


def may_stand_still() -> str:
    """For how long the database lets this transaction do nothing."""
    return str(db.session.scalar(text("SHOW idle_in_transaction_session_timeout")))


def test_whoever_has_an_order_in_hand_may_stand_still_for_seconds_only(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "STAND_STILL_S", 5)
    order = make_order(account.shop)
    db.session.commit()
    usual = may_stand_still()
    db.session.rollback()
    for move in (
        lambda: moves.hand_in(NewOrder("new", Money(100, "EUR")), account.shop),
        lambda: moves.cancel(order.id, "the shop"),
    ):
        move()
        assert may_stand_still() == "5s"
        db.session.rollback()
        assert may_stand_still() == usual != "5s"
        db.session.rollback()
