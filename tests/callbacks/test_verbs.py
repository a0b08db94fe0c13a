"""Whatever waits, a person can end it otherwise than by removing it: each reason brought about, and ended by a verb."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import NOTHING_MORE, Callback, More
from shopcallbacks.domain.errors import OURS_TO_MEND, Conflict, Reason
from shopcallbacks.domain.states import Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_callback, make_order, make_shop, message, process, request_for
from ..processing.saying import Saying, saying_account, told

EUR, USD = Money(5990, "EUR"), Money(5990, "USD")


@pytest.fixture
def account(app: Flask, monkeypatch: pytest.MonkeyPatch) -> GatewayAccount:
    """An account whose callbacks say whatever a message can say."""
    monkeypatch.setitem(GATEWAYS, "saying", Saying())
    return saying_account(make_shop())


def done(callback: Callback, verb: Verb, more: More = NOTHING_MORE) -> None:
    callback.do(verb, None, "a person says so", more=more)
    process()


def paid(number: str | None, transaction: str | None = "T1", money: Money = EUR, **more: object) -> Message:
    return Message(Outcome.paid, number, transaction, money=money, test=False, **more)  # type: ignore[arg-type]


def left(number: str, transaction: str | None = None, **more: object) -> Message:
    return Message(Outcome.refunded, number, transaction, money=Money(100, "EUR"), test=False, movement="R1", **more)  # type: ignore[arg-type]


# For each reason: the callback that waits for it, the verb that ends it, and what is said besides.
Ended = tuple[Callback, Verb, More]
Waits = Callable[[GatewayAccount, pytest.MonkeyPatch], Ended]


def not_genuine(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    mistaken = make_account(account.shop, signing_secrets=["whsec_other"])
    signed = request_for(make_account(account.shop), message(make_order(account.shop)))
    callback = make_callback(mistaken, signed)
    process()
    return callback, Verb.force, NOTHING_MORE


def gateway_unreachable(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    paypal = make_account(
        account.shop, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live", order_field="invoice"
    )
    callback = make_callback(paypal, message(make_order(account.shop)))
    process()
    return callback, Verb.force, NOTHING_MORE


def unreadable(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    said = Message(Outcome.unclear, detail="not a form", unreadable=True)
    return told(account, said), Verb.close, NOTHING_MORE


def unclear(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    return told(account, Message(Outcome.unclear, "A", detail="the state is new to us")), Verb.close, NOTHING_MORE


def order_not_found(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    return told(account, paid("A-1")), Verb.assign, More(order=make_order(account.shop, "A1"))


def amount_mismatch(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    return told(account, paid("A", money=Money(5000, "EUR"))), Verb.accept, NOTHING_MORE


def currency_mismatch(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    return told(account, paid("A", money=USD)), Verb.accept, NOTHING_MORE


def account_disabled(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    account.enabled = False
    callback = told(account, paid("A"))
    account.enabled = True
    return callback, Verb.retry, NOTHING_MORE


def crashed(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    with patch.context() as broken:
        broken.setattr(Saying, "interpret", lambda *_: 1 // 0)
        callback = told(account, paid("A"))
    return callback, Verb.retry, NOTHING_MORE


def other_mode(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A", test=True)
    return told(account, paid("A")), Verb.assign, More(order=make_order(account.shop, "B"))


def other_account(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A", account_id=make_account(account.shop).id)
    return told(account, paid("A")), Verb.assign, More(order=make_order(account.shop, "B"))


def other_order(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    first = make_order(account.shop, "A")
    make_order(account.shop, "B")
    told(account, paid("A"))
    return told(account, paid("B")), Verb.assign, More(order=first)


def paid_already(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    told(account, paid("A"))
    return told(account, paid("A", "T2")), Verb.take_too, NOTHING_MORE


def order_cancelled(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    moves.cancel(make_order(account.shop, "A").id, "the shop")
    return told(account, paid("A")), Verb.reopen, NOTHING_MORE


def order_refunded(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    told(account, paid("A"))
    told(account, Message(Outcome.refunded, "A", "T1", money=EUR, test=False, movement="R1"))
    return told(account, paid("A", "T2")), Verb.owe, NOTHING_MORE


def payment_gone(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    make_order(account.shop, "A")
    told(account, paid("A"))
    return told(account, Message(Outcome.failed, "A", "T1", test=False)), Verb.take_back, NOTHING_MORE


def payment_taken_out(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    callback, verb, _ = payment_gone(account, patch)
    done(callback, verb)
    return told(account, paid("A")), Verb.reopen, NOTHING_MORE


def names_no_order(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    return told(account, paid(None)), Verb.assign, More(order=make_order(account.shop, "A"))


def which_payment(account: GatewayAccount, patch: pytest.MonkeyPatch) -> Ended:
    callback, verb, _ = paid_already(account, patch)
    done(callback, verb)
    return told(account, left("A")), Verb.choose, More(transaction="T2")


REASONS: dict[Reason | Conflict, Waits] = {
    Reason.not_genuine: not_genuine,
    Reason.gateway_unreachable: gateway_unreachable,
    Reason.unreadable: unreadable,
    Reason.unclear: unclear,
    Reason.order_not_found: order_not_found,
    Reason.amount_mismatch: amount_mismatch,
    Reason.currency_mismatch: currency_mismatch,
    Reason.account_disabled: account_disabled,
    Reason.crashed: crashed,
    Conflict.other_mode: other_mode,
    Conflict.other_account: other_account,
    Conflict.other_order: other_order,
    Conflict.paid_already: paid_already,
    Conflict.order_cancelled: order_cancelled,
    Conflict.order_refunded: order_refunded,
    Conflict.payment_gone: payment_gone,
    Conflict.payment_taken_out: payment_taken_out,
    Conflict.names_no_order: names_no_order,
    Conflict.which_payment: which_payment,
}
CONFLICTS = [one for one in Conflict if one not in OURS_TO_MEND]


@pytest.mark.parametrize("reason", [*(one for one in Reason if one is not Reason.order_conflict), *CONFLICTS])
def test_every_reason_is_ended_by_a_verb_that_is_not_removing(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch, reason: Reason | Conflict
) -> None:
    callback, verb, more = REASONS[reason](account, monkeypatch)
    assert callback.state is State.unprocessed
    assert reason in (callback.reason, callback.conflict)
    assert verb in callback.open_to - {Verb.remove}
    done(callback, verb, more)
    assert (callback.state, callback.reason if verb is not Verb.close else None) == (State.processed, None)


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_conflict_may_be_dealt_with_by_hand_and_is_never_looked_at_again_by_itself(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch, conflict: Conflict
) -> None:
    callback, _, _ = REASONS[conflict](account, monkeypatch)
    done(callback, Verb.close)
    assert (callback.state, callback.effect) == (State.processed, Effect.closed)
    moved(account, callback.order)
    assert (callback.state, callback.effect) == (State.processed, Effect.closed)


def moved(account: GatewayAccount, order: Order | None) -> None:
    """Something happens to the order, so that all that waits on it is looked at again."""
    if order is not None and order.state is OrderState.open:
        told(account, Message(Outcome.refunded, "A", "T1", money=Money(1, "EUR"), test=False, movement="R9"))
    elif order is not None and order.state is OrderState.refunded:
        told(account, Message(Outcome.refund_failed, "A", "T1", test=False, movement="R1"))
    else:
        make_order(account.shop, order.number if order else "A", minor=5991)
        process()


def test_what_was_assigned_and_waits_there_can_be_assigned_anew(account: GatewayAccount) -> None:
    wrong, right = make_order(account.shop, "B", minor=100), make_order(account.shop, "C")
    callback = told(account, paid("A"))
    done(callback, Verb.assign, More(order=wrong))
    assert (callback.reason, callback.order_id) == (Reason.amount_mismatch, wrong.id)
    done(callback, Verb.assign, More(order=right))
    assert (callback.effect, callback.order_id, right.state) == (Effect.opened, right.id, OrderState.open)
    assert wrong.state is OrderState.temporary
