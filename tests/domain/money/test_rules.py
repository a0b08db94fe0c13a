"""The finer rules of money, one sentence each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shopcallbacks.domain.errors import CallbackFailed, Conflict, Reason, Refused
from shopcallbacks.domain.money import (
    Answer,
    CancelledBy,
    Decision,
    Dispute,
    Effect,
    Handing,
    Hold,
    Holder,
    Life,
    OrderFacts,
    OrderState,
    Ruling,
    Settings,
    Verb,
    cancel,
    decide,
    end_try,
    enough,
    forgotten,
    hand_in,
    order_of,
    other_payment_waits,
    settle,
    tick,
)
from shopcallbacks.domain.values import Message, Money, Outcome

from .stories import EPOCH

MAIN = 1
SHOP = Settings()
PARTS = Settings(parts=True)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def order(**more: Any) -> OrderFacts:
    return OrderFacts("A-1", eur(4900), **more)


def at(seconds: int) -> Any:
    return EPOCH + timedelta(seconds=seconds)


def say(outcome: str, transaction: str | None = "T1", money: Money | None = None, **more: Any) -> Message:
    return Message(Outcome(outcome), "A-1", transaction, money=money, **more)


def told(facts: OrderFacts, *messages: Message, shop: Settings = SHOP, now: int = 0) -> OrderFacts:
    for message in messages:
        facts = decide(facts, message, MAIN, at(now), shop).order
    return facts


def ruled(facts: OrderFacts, message: Message, verb: str, **more: Any) -> Decision:
    return decide(facts, message, MAIN, EPOCH, SHOP, Ruling(Verb(verb), **more))


def failure(facts: OrderFacts, message: Message, shop: Settings = SHOP) -> CallbackFailed:
    with pytest.raises(CallbackFailed) as failed:
        decide(facts, message, MAIN, EPOCH, shop)
    return failed.value


PAID = told(order(), say("paid", money=eur(4900)))


# Comparisons that come first


def test_a_test_callback_never_moves_a_live_order() -> None:
    assert failure(order(), say("paid", money=eur(4900), test=True)).conflict is Conflict.other_mode


def test_an_order_of_one_account_is_not_paid_by_another() -> None:
    assert failure(order(account=2), say("paid", money=eur(4900))).conflict is Conflict.other_account


# Tries


def test_a_failure_that_happened_before_its_payment_is_late() -> None:
    paid = told(order(), say("paid", money=eur(4900), at=at(20)))
    assert decide(paid, say("failed", at=at(10)), MAIN, EPOCH, SHOP).effect is Effect.none
    assert failure(paid, say("failed", at=at(30))).conflict is Conflict.payment_gone


def test_where_either_side_has_no_time_nothing_is_compared() -> None:
    assert failure(PAID, say("failed", at=at(10))).conflict is Conflict.payment_gone


def test_the_rest_of_an_authorisation_that_is_let_go_moves_no_money() -> None:
    part = told(order(), say("pending"), say("paid", money=eur(2000), movement="C1", part=True))
    decision = decide(part, say("cancelled", uncaptured=True), MAIN, EPOCH, SHOP)
    assert (decision.effect, decision.order.kept) == (Effect.none, 2000)
    assert decision.order.payments[0].life is Life.ended


def test_refusals_are_held_back_from_the_first_of_them() -> None:
    shop = Settings(refusal_cancels_after=600)
    facts = told(order(), say("failed", "T1"), shop=shop)
    facts = told(facts, say("failed", "T2"), shop=shop, now=500)
    assert tick(facts, at(599), shop).effect is Effect.none
    assert tick(facts, at(600), shop).order.cancelled_by is CancelledBy.failed_try


def test_neither_refusal_nor_expiry_cancels_while_a_payment_waits_for_a_person() -> None:
    facts = order(held_since=EPOCH, expires_at=at(10))
    assert tick(facts, at(20), SHOP, paid_waits=True).effect is Effect.none
    assert tick(facts, at(20), SHOP).effect is Effect.cancelled


def test_a_try_without_a_word_counts_as_ended_where_its_account_says_so() -> None:
    facts = told(order(expires_at=at(10)), say("pending"))
    assert tick(facts, at(50), SHOP).effect is Effect.none
    assert tick(facts, at(50), SHOP, lifetimes={MAIN: 60}).effect is Effect.none
    assert tick(facts, at(60), SHOP, lifetimes={MAIN: 60}).effect is Effect.expired


def test_a_person_ends_a_try_and_the_order_may_expire() -> None:
    facts = end_try(told(order(expires_at=at(10)), say("pending")), MAIN, "T1").order
    assert tick(facts, at(10), SHOP).effect is Effect.expired
    with pytest.raises(Refused):
        end_try(facts, MAIN, "T1")


def test_two_ids_that_carry_on_end_together() -> None:
    facts = told(order(), say("pending", "O1"), say("pending", "C1"), say("failed", "O1", carries_on="C1"))
    assert [payment.life for payment in facts.payments] == [Life.ended]
    assert facts.state is OrderState.cancelled


def test_a_dispute_is_told_once_and_a_later_day_marks_it_anew() -> None:
    facts = told(PAID, say("disputed", answer_by=at(100)))
    again = decide(facts, say("disputed", answer_by=at(200)), MAIN, EPOCH, SHOP)
    assert (again.effect, again.order.payments[0].answer_by) == (Effect.none, at(200))
    won = told(again.order, say("chargeback_reversed", movement="D1"))
    assert won.payments[0].dispute is Dispute.over


# Money that comes in


def test_parts_that_add_up_open_the_order() -> None:
    facts = told(order(), say("paid", "T1", eur(2000)), shop=PARTS)
    assert (facts.state, facts.need) == (OrderState.awaiting_payment, 2900)
    assert told(facts, say("paid", "T2", eur(2900))).state is OrderState.open


def test_a_sum_so_far_books_the_difference() -> None:
    facts = told(order(), say("paid", money=eur(2000), total=True), shop=PARTS)
    facts = told(facts, say("paid", money=eur(4900), total=True))
    assert [row.money.minor for row in facts.ledger] == [2000, 2900]
    assert [row.nth for row in facts.ledger] == [0, 1]


def test_what_is_accepted_short_is_waived_while_something_of_it_is_kept() -> None:
    facts = ruled(order(), say("paid", money=eur(4800)), "accept").order
    assert (facts.state, facts.waived, facts.need) == (OrderState.open, 100, 0)
    assert told(facts, say("refunded", money=eur(4800), movement="R1")).need == 4900


def test_accepting_another_currency_counts_as_the_need_and_keeps_its_own_sum() -> None:
    facts = ruled(order(), say("paid", money=usd(5300)), "accept").order
    assert (facts.kept, facts.ledger[0].money) == (4900, usd(5300))


def test_a_sum_that_fits_is_not_to_be_accepted() -> None:
    facts = order(state=OrderState.cancelled, cancelled_by=CancelledBy.shop)
    with pytest.raises(Refused):
        ruled(facts, say("paid", money=eur(4900)), "accept")


def test_needs_refund_covers_first_what_had_left_before() -> None:
    facts = told(PAID, say("refunded", "T2", eur(2000), movement="R1"))
    decision = ruled(facts, say("paid", "T2", eur(4900)), "owe")
    assert (decision.effect, decision.order.owed["EUR"]) == (Effect.owed, 2900)
    assert decision.order.unmatched == 0


def test_a_payment_that_was_taken_out_is_never_taken_by_itself() -> None:
    gone = say("failed", at=at(20))
    facts = ruled(told(order(), say("paid", money=eur(4900), at=at(10))), gone, "take_back").order
    assert (facts.taken, facts.state) == (0, OrderState.cancelled)
    assert decide(facts, say("paid", money=eur(4900), at=at(10)), MAIN, EPOCH, SHOP).effect is Effect.repeated
    assert failure(facts, say("paid", money=eur(4900), movement="C9")).conflict is Conflict.payment_taken_out


# Money that leaves


def test_a_refund_takes_what_is_owed_then_what_was_settled_then_what_the_order_took() -> None:
    facts = ruled(order(), say("paid", money=eur(5400)), "accept").order
    facts = told(facts, say("refunded", money=eur(300), movement="R1"))
    assert (facts.owed["EUR"], facts.given_back) == (200, 0)
    facts = settle(facts).order
    facts = told(facts, say("refunded", money=eur(500), movement="R2"))
    assert (facts.owed["EUR"], facts.given_back) == (0, 300)


def test_a_refund_that_meets_no_payment_is_unmatched_up_to_the_orders_total() -> None:
    facts = told(order(), say("charged_back", money=eur(4000), movement="D1"))
    assert (facts.unmatched, facts.given_back) == (4000, 0)
    assert failure(facts, say("refunded", money=eur(1000), movement="R1")).reason is Reason.amount_mismatch
    assert told(facts, say("charged_back", money=eur(9000), movement="D2")).unmatched == 13000


def test_a_chargeback_is_against_all_that_ever_came_in() -> None:
    facts = told(PAID, say("refunded", money=eur(1500), movement="R1"), say("charged_back", movement="D1"))
    assert (facts.given_back, facts.kept, facts.lost) == (6400, 0, 1500)
    assert failure(facts, say("charged_back", money=eur(1), movement="D2")).reason is Reason.amount_mismatch


def test_a_refund_of_two_payments_that_names_none_waits_for_the_choice() -> None:
    facts = ruled(PAID, say("paid", "T2", eur(4900)), "take_too").order
    refund = say("refunded", None, eur(1000), movement="R1")
    assert failure(facts, refund).conflict is Conflict.which_payment
    assert ruled(facts, refund, "choose", transaction="T2").order.given_back == 1000
    with pytest.raises(Refused):
        ruled(facts, refund, "choose", transaction="T9")


def test_money_accepted_in_another_currency_leaves_in_proportion() -> None:
    facts = ruled(order(), say("paid", money=usd(3333)), "accept").order
    facts = told(facts, say("refunded", money=usd(1111), movement="R1"))
    assert facts.given_back == 4900 * 1111 // 3333
    facts = told(facts, say("refunded", money=usd(2222), movement="R2"))
    assert (facts.given_back, facts.state) == (4900, OrderState.refunded)


def test_a_chargeback_in_the_orders_currency_may_be_of_money_accepted_in_another() -> None:
    facts = ruled(order(), say("paid", money=usd(5300)), "accept").order
    assert told(facts, say("charged_back", money=eur(4900), movement="D1")).state is OrderState.refunded
    facts = told(facts, say("charged_back", money=usd(5300), movement="D1"))
    facts = told(facts, say("chargeback_reversed", money=usd(2650), movement="D1"))
    assert (facts.state, facts.kept, facts.given_back) == (OrderState.open, 2450, 2450)


def test_what_was_accepted_in_another_currency_is_owed_in_it() -> None:
    facts = ruled(order(), say("paid", money=usd(5300)), "accept").order
    refund = say("refunded", money=usd(5300), movement="R1")
    facts = told(facts, refund, say("refund_failed", money=usd(5300), movement="R1"))
    assert (facts.owed, facts.given_back) == ({"USD": 5300}, 4900)


# Money that comes back


def test_a_failure_is_of_the_latest_refund_of_just_that_sum() -> None:
    refunds = [say("refunded", money=eur(minor), movement=f"R{minor}") for minor in (500, 2000, 1000)]
    facts = told(PAID, *refunds, say("refund_failed", money=eur(500), movement="X"))
    assert facts.ledger[-1].of == facts.ledger[1].name
    facts = told(facts, say("refund_failed", money=eur(700), movement="Y"))
    assert facts.ledger[-1].of == facts.ledger[3].name


def test_a_falling_sum_may_take_more_than_one_refund_with_it() -> None:
    facts = told(PAID, say("refunded", money=eur(500), total=True), say("refunded", money=eur(1500), total=True))
    decision = decide(facts, say("refunded", money=eur(0), total=True), MAIN, EPOCH, SHOP)
    assert [event.kind for event in decision.events] == [Effect.refund_failed] * 2
    assert (decision.order.owed["EUR"], decision.order.given_back) == (1500, 1500)


def test_of_what_was_accepted_beyond_what_was_left_given_back_shrinks() -> None:
    facts = ruled(PAID, say("refunded", money=eur(6000), movement="R1"), "accept").order
    facts = told(facts, say("refund_failed", money=eur(6000), movement="R1"))
    assert (facts.given_back, facts.owed["EUR"], facts.lost) == (4900, 4900, 0)


def test_a_failure_that_came_before_its_refund_voids_it() -> None:
    facts = told(PAID, say("refund_failed", money=eur(900), movement="R1"))
    assert decide(facts, say("refunded", money=eur(900), movement="R1"), MAIN, EPOCH, SHOP).effect is Effect.none
    assert told(facts, say("refunded", money=eur(900), movement="R2")).given_back == 900


def test_a_chargeback_reversed_after_the_order_was_paid_again_is_owed() -> None:
    facts = told(PAID, say("charged_back", money=eur(4900), movement="D1"))
    facts = ruled(facts, say("paid", "T2", eur(4900)), "reopen").order
    facts = told(facts, say("chargeback_reversed", money=eur(4900), movement="D1"))
    assert (facts.state, facts.taken, facts.given_back) == (OrderState.open, 4900, 0)
    assert facts.owed == {"EUR": 4900}


def test_a_join_books_what_was_unmatched_and_says_so() -> None:
    facts = told(order(), say("refunded", "C1", eur(1500), movement="R1"), say("paid", "O1", eur(4900)))
    decision = decide(facts, say("pending", "C1", carries_on="O1"), MAIN, EPOCH, SHOP)
    assert (decision.effect, [event.kind for event in decision.events]) == (Effect.none, [Effect.partly_refunded])
    assert decision.changed


def test_a_message_that_waits_joins_nothing() -> None:
    message = say("paid", "T2", eur(4900), carries_on="T1")
    failure(PAID, message)
    assert len(PAID.payments) == 1


# The shop, and persons


def test_a_replaced_total_never_goes_below_what_is_kept_and_opens_where_it_equals_it() -> None:
    facts = told(order(), say("paid", money=eur(2000)), shop=PARTS)
    with pytest.raises(Refused):
        hand_in(facts, Handing("A-1", eur(1999)))
    decision, answer = hand_in(facts, Handing("A-1", eur(2000)))
    assert (answer, decision.order.state) == (Answer.done, OrderState.open)
    assert [event.kind for event in decision.events] == [Effect.replaced, Effect.opened]


def test_a_later_expiry_alone_replaces_nothing() -> None:
    decision, answer = hand_in(order(held_since=EPOCH), Handing("A-1", eur(4900), expires_at=at(60)))
    assert (answer, decision.effect, decision.order.expires_at) == (Answer.same, Effect.none, at(60))
    assert decision.order.held_since == EPOCH


def test_the_parts_of_an_order_that_the_shop_gives_up_are_owed() -> None:
    decision, answer = cancel(told(order(), say("paid", money=eur(2000)), shop=PARTS))
    assert (answer, decision.order.owed, decision.order.taken) == (Answer.done, {"EUR": 2000}, 0)


def test_that_is_all_waives_the_rest_of_a_part_paid_order() -> None:
    facts = enough(told(order(), say("paid", money=eur(2000)), shop=PARTS)).order
    assert (facts.state, facts.waived, facts.need) == (OrderState.open, 2900, 0)


# Beyond one order


def test_money_that_comes_in_names_its_order_and_what_is_told_later_its_payment() -> None:
    holders = [Holder(7, Hold.booked)]
    assert order_of(say("paid"), 12, holders) == 12
    assert order_of(say("paid"), None, holders) == 7
    assert order_of(say("refunded"), 12, holders) == 7
    assert order_of(say("refunded"), 12, [Holder(7, Hold.unheard)]) == 12
    assert order_of(say("refunded"), 12, []) == 12
    assert order_of(say("refunded"), None, [Holder(7, Hold.unheard)]) == 7


def test_a_failure_told_again_is_about_the_order_whose_try_it_ended() -> None:
    assert order_of(say("failed"), 12, [Holder(7, Hold.ended)]) == 7
    assert order_of(say("failed"), 12, [Holder(7, Hold.ended), Holder(12, Hold.ended)]) == 12
    assert order_of(say("failed"), 12, [Holder(7, Hold.alive), Holder(12, Hold.ended)]) == 7


def test_an_early_pending_is_forgotten_with_the_end_of_its_try() -> None:
    assert forgotten(say("pending"), [say("failed")])
    assert forgotten(say("pending"), [say("failed", "C1", carries_on="T1")])
    assert not forgotten(say("pending"), [say("failed", "T2")])


def test_only_another_payment_of_all_that_the_order_costs_is_worth_a_word() -> None:
    assert other_payment_waits(order(), [say("paid", money=eur(4900))])
    assert not other_payment_waits(order(), [say("paid", money=eur(4800)), say("paid", money=usd(4900))])
