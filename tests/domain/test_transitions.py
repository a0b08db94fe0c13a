"""The transition table, cell by cell, and what holds whatever the order of messages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.domain.errors import CallbackFailed, Reason
from shopcallbacks.domain.states import Effect, Entry, OrderState, Ruling
from shopcallbacks.domain.transitions import RULED, TABLE, Booked, OrderFacts, Step, decide
from shopcallbacks.domain.values import Message, Money, Outcome

TOTAL = Money(5990, "EUR")
PAID = Booked(Entry.payment, "tx_1", "tx_1", 5990)
REFUND = Booked(Entry.refund, "re_1", "tx_1", 5990)
LEDGER = {OrderState.open: (PAID,), OrderState.refunded: (PAID, REFUND)}
S, E = OrderState, Effect
CONFLICT = Reason.order_conflict

# What a message of another transaction than the one already booked does, in each cell.
CELLS: dict[tuple[OrderState, Outcome], tuple[OrderState, Effect] | Reason] = {
    (S.temporary, Outcome.paid): (S.open, E.opened),
    (S.temporary, Outcome.pending): (S.awaiting_payment, E.awaiting),
    (S.temporary, Outcome.failed): (S.cancelled, E.cancelled),
    (S.temporary, Outcome.cancelled): (S.cancelled, E.cancelled),
    (S.temporary, Outcome.refunded): (S.temporary, E.recorded),
    (S.awaiting_payment, Outcome.paid): (S.open, E.opened),
    (S.awaiting_payment, Outcome.pending): (S.awaiting_payment, E.none),
    (S.awaiting_payment, Outcome.failed): (S.cancelled, E.cancelled),
    (S.awaiting_payment, Outcome.cancelled): (S.cancelled, E.cancelled),
    (S.awaiting_payment, Outcome.refunded): (S.awaiting_payment, E.recorded),
    (S.open, Outcome.paid): CONFLICT,
    (S.open, Outcome.pending): (S.open, E.none),
    (S.open, Outcome.failed): (S.open, E.none),
    (S.open, Outcome.cancelled): (S.open, E.none),
    (S.open, Outcome.refunded): (S.refunded, E.refunded),
    (S.cancelled, Outcome.paid): CONFLICT,
    (S.cancelled, Outcome.pending): (S.cancelled, E.none),
    (S.cancelled, Outcome.failed): (S.cancelled, E.none),
    (S.cancelled, Outcome.cancelled): (S.cancelled, E.none),
    (S.cancelled, Outcome.refunded): (S.cancelled, E.recorded),
    (S.refunded, Outcome.paid): CONFLICT,
    (S.refunded, Outcome.pending): (S.refunded, E.none),
    (S.refunded, Outcome.failed): (S.refunded, E.none),
    (S.refunded, Outcome.cancelled): (S.refunded, E.none),
    (S.refunded, Outcome.refunded): Reason.amount_mismatch,
}


def an_order(state: OrderState = S.temporary, **more: object) -> OrderFacts:
    facts = OrderFacts("251123-26", state, TOTAL, ledger=LEDGER.get(state, ()))
    return replace(facts, **more)  # type: ignore[arg-type]


def a_message(outcome: Outcome = Outcome.paid, **more: object) -> Message:
    refund = "re_2" if outcome is Outcome.refunded else None
    said = Message(outcome, "251123-26", "tx_2", "ev_2", TOTAL, test=False, movement=refund)
    return replace(said, **more)  # type: ignore[arg-type]


def test_every_state_meets_every_outcome_that_decides() -> None:
    new = {Outcome.refund_failed, Outcome.disputed, Outcome.charged_back, Outcome.chargeback_reversed}
    deciding = set(Outcome) - {Outcome.ignored, Outcome.unclear} - new
    assert set(TABLE) == set(CELLS) == {(state, outcome) for state in OrderState for outcome in deciding}


@pytest.mark.parametrize(("cell", "expected"), CELLS.items(), ids=lambda value: "-".join(map(str, value)))
def test_a_cell_of_the_table(cell: tuple[OrderState, Outcome], expected: tuple[OrderState, Effect] | Reason) -> None:
    state, outcome = cell
    if isinstance(expected, Reason):
        with pytest.raises(CallbackFailed) as failed:
            decide(an_order(state), a_message(outcome))
        assert failed.value.reason is expected
        assert failed.value.detail
    else:
        decision = decide(an_order(state), a_message(outcome))
        assert (decision.state, decision.effect) == expected


# What a person's ruling on a payment of another transaction does, in each state.
RULINGS: dict[tuple[OrderState, Ruling], tuple[OrderState, Effect] | Reason] = {
    (S.temporary, Ruling.reopen): (S.open, E.opened),  # the table has an answer: no ruling is needed
    (S.temporary, Ruling.owe): (S.open, E.opened),
    (S.awaiting_payment, Ruling.reopen): (S.open, E.opened),
    (S.awaiting_payment, Ruling.owe): (S.open, E.opened),
    (S.open, Ruling.reopen): CONFLICT,
    (S.open, Ruling.owe): (S.open, E.owed),
    (S.cancelled, Ruling.reopen): (S.open, E.reopened),
    (S.cancelled, Ruling.owe): (S.cancelled, E.owed),
    (S.refunded, Ruling.reopen): (S.open, E.reopened),
    (S.refunded, Ruling.owe): (S.refunded, E.owed),
}


def test_only_conflicts_of_a_payment_can_be_ruled_on() -> None:
    assert {TABLE[state, Outcome.paid] for state, _ in RULED} == {Step.conflicts}
    assert set(RULINGS) == {(state, ruling) for state in OrderState for ruling in Ruling}


@pytest.mark.parametrize(("cell", "expected"), RULINGS.items(), ids=lambda value: "-".join(map(str, value)))
def test_a_ruling_on_a_payment(cell: tuple[OrderState, Ruling], expected: tuple[OrderState, Effect] | Reason) -> None:
    state, ruling = cell
    if isinstance(expected, Reason):
        with pytest.raises(CallbackFailed) as failed:
            decide(an_order(state), a_message(), ruling)
        assert failed.value.reason is expected
    else:
        decision = decide(an_order(state), a_message(), ruling)
        assert (decision.state, decision.effect) == expected
        assert decision.book is not None
        assert decision.book.owed is (decision.effect is E.owed)


@pytest.mark.parametrize("ruling", Ruling)
@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("outcome", [Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded])
def test_a_ruling_changes_nothing_about_messages_that_are_no_payment(
    ruling: Ruling, state: OrderState, outcome: Outcome
) -> None:
    def come(ruling: Ruling | None) -> object:
        try:
            return decide(an_order(state), a_message(outcome), ruling)
        except CallbackFailed as failed:
            return failed.reason, failed.detail

    assert come(ruling) == come(None)


@pytest.mark.parametrize("ruling", Ruling)
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"money": Money(599, "EUR")}, Reason.amount_mismatch),
        ({"money": Money(5990, "USD")}, Reason.currency_mismatch),
        ({"test": True}, Reason.order_conflict),
    ],
)
def test_a_ruling_skips_no_comparison(ruling: Ruling, said: dict[str, object], reason: Reason) -> None:
    with pytest.raises(CallbackFailed) as failed:
        decide(an_order(S.cancelled), a_message(**said), ruling)
    assert failed.value.reason is reason


@pytest.mark.parametrize("ruling", Ruling)
@pytest.mark.parametrize("state", [S.open, S.refunded])
def test_a_ruling_never_books_the_same_payment_again(ruling: Ruling, state: OrderState) -> None:
    assert decide(an_order(state), a_message(transaction_id="tx_1"), ruling).effect is E.repeated


def owing(state: OrderState) -> OrderFacts:
    """An order whose other payment, tx_2, is owed back."""
    order = an_order(state)
    return order.after(decide(order, a_message(), Ruling.owe))


@pytest.mark.parametrize("state", [S.open, S.cancelled, S.refunded])
def test_what_is_owed_is_given_back_by_refunds_of_that_payment(state: OrderState) -> None:
    order = owing(state)
    assert order.owed == 5990
    part = decide(order, a_message(Outcome.refunded, money=Money(1000, "EUR")))
    assert (part.state, part.effect) == (state, E.recorded)
    order = order.after(part)
    assert order.owed == 4990
    order = order.after(decide(order, a_message(Outcome.refunded, movement="re_3", money=Money(4990, "EUR"))))
    assert (order.state, order.owed) == (state, 0)


def test_a_refund_of_the_payment_that_opened_the_order_leaves_the_other_owed() -> None:
    order = owing(S.open)
    refund = decide(order, a_message(Outcome.refunded, transaction_id="tx_1"))
    assert (refund.state, refund.effect) == (S.refunded, E.refunded)
    assert order.after(refund).owed == 5990


def test_a_refund_that_names_no_payment_settles_what_is_owed() -> None:
    order = owing(S.cancelled)
    assert order.after(decide(order, a_message(Outcome.refunded, transaction_id=None))).owed == 0


def test_a_refund_that_came_before_the_ruling_counts() -> None:
    order = an_order(S.cancelled)
    order = order.after(decide(order, a_message(Outcome.refunded)))
    assert order.after(decide(order, a_message(), Ruling.owe)).owed == 0
    reopened = decide(order, a_message(), Ruling.reopen)
    assert (reopened.state, reopened.effect) == (S.refunded, E.refunded)


def test_what_a_person_gave_back_counts_once_though_the_gateway_tells_of_it_later() -> None:
    order = replace(owing(S.cancelled), settled=5990)
    assert order.owed == 0
    order = order.after(decide(order, a_message(Outcome.refunded)))
    assert order.owed == 0
    assert order.after(decide(order, a_message(transaction_id="tx_3"), Ruling.owe)).owed == 5990


@pytest.mark.parametrize("state", [S.open, S.refunded])
def test_the_same_payment_again_changes_nothing(state: OrderState) -> None:
    decision = decide(an_order(state), a_message(Outcome.paid, transaction_id="tx_1"))
    assert (decision.state, decision.effect, decision.book) == (state, E.repeated, None)


def test_the_same_refund_again_changes_nothing() -> None:
    decision = decide(an_order(S.refunded), a_message(Outcome.refunded, movement="re_1"))
    assert (decision.effect, decision.book) == (E.repeated, None)


@pytest.mark.parametrize("outcome", [Outcome.failed, Outcome.cancelled])
def test_a_late_failure_of_the_payment_itself_is_for_a_person(outcome: Outcome) -> None:
    with pytest.raises(CallbackFailed) as failed:
        decide(an_order(S.open), a_message(outcome, transaction_id="tx_1"))
    assert failed.value.reason is Reason.order_conflict


def test_a_failure_of_an_earlier_try_does_not_cancel_an_order_that_waits_for_another() -> None:
    waiting = an_order(S.awaiting_payment, awaited="tx_9")
    assert decide(waiting, a_message(Outcome.failed, transaction_id="tx_2")).effect is E.none
    assert decide(waiting, a_message(Outcome.failed, transaction_id="tx_9")).effect is E.cancelled


def test_a_part_of_the_money_given_back_leaves_the_order_open() -> None:
    decision = decide(an_order(S.open), a_message(Outcome.refunded, money=Money(1000, "EUR")))
    assert (decision.state, decision.effect) == (S.open, E.partly_refunded)
    assert decision.book is not None
    assert decision.book.minor == 1000


def test_a_sum_refunded_so_far_books_only_what_it_adds() -> None:
    first = Booked(Entry.refund, "tx_1:1000", "tx_1", 1000)
    order = an_order(S.open, ledger=(PAID, first))
    said = a_message(
        Outcome.refunded, transaction_id="tx_1", total=True, money=Money(2500, "EUR"), movement="tx_1:2500"
    )
    decision = decide(order, said)
    assert decision.book is not None
    assert decision.book.minor == 1500


def test_a_refund_that_came_before_its_payment_ends_the_same() -> None:
    refund = decide(an_order(), a_message(Outcome.refunded, movement="re_1"))
    assert refund.book is not None
    paid = decide(an_order(ledger=(refund.book,)), a_message(Outcome.paid))
    assert paid.state is S.refunded


@pytest.mark.parametrize("outcome", [Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled])
def test_another_amount_is_for_a_person(outcome: Outcome) -> None:
    with pytest.raises(CallbackFailed) as failed:
        decide(an_order(), a_message(outcome, money=Money(599, "EUR")))
    assert failed.value.reason is Reason.amount_mismatch
    assert failed.value.detail == "order 59.90 EUR, callback 5.99 EUR"


@pytest.mark.parametrize(
    "outcome", [Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded]
)
def test_another_currency_is_for_a_person(outcome: Outcome) -> None:
    with pytest.raises(CallbackFailed) as failed:
        decide(an_order(), a_message(outcome, money=Money(5990, "USD")))
    assert failed.value.reason is Reason.currency_mismatch


def test_instalments_may_cost_more_but_not_less() -> None:
    assert decide(an_order(), a_message(at_least=True, money=Money(6500, "EUR"))).effect is E.opened
    with pytest.raises(CallbackFailed):
        decide(an_order(), a_message(at_least=True, money=Money(5989, "EUR")))


def test_a_gateway_that_names_no_sum_speaks_of_the_order() -> None:
    decision = decide(an_order(), a_message(money=None))
    assert decision.book is not None
    assert decision.book.minor == 5990


@pytest.mark.parametrize("test", [True, False])
def test_a_test_callback_never_moves_a_live_order_nor_the_other_way_round(test: bool) -> None:
    with pytest.raises(CallbackFailed) as failed:
        decide(an_order(test=not test), a_message(test=test))
    assert failed.value.reason is Reason.order_conflict


MESSAGES = (
    a_message(Outcome.paid, transaction_id="tx_1"),
    a_message(Outcome.pending, transaction_id="tx_1"),
    a_message(Outcome.refunded, transaction_id="tx_1", movement="re_1", money=Money(1000, "EUR")),
    a_message(Outcome.refunded, transaction_id="tx_1", movement="re_2", money=Money(4990, "EUR")),
)


def run(messages: list[Message]) -> OrderFacts:
    order = an_order()
    for message in messages:
        try:
            decision = decide(order, message)
        except CallbackFailed:
            continue
        ledger = order.ledger + ((decision.book,) if decision.book else ())
        order = replace(order, state=decision.state, ledger=ledger, awaited=decision.awaited or order.awaited)
    return order


@given(st.permutations(MESSAGES), st.lists(st.sampled_from(MESSAGES), max_size=4))
def test_messages_of_one_payment_end_the_same_in_any_order_and_however_often(
    messages: list[Message], again: list[Message]
) -> None:
    order = run([*messages, *again])
    assert order.state is S.refunded
    assert order.sum_of(Entry.payment) == order.sum_of(Entry.refund) == 5990
    assert len(order.ledger) == 3


@given(
    st.lists(
        st.builds(
            a_message,
            st.sampled_from([Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded]),
            transaction_id=st.sampled_from(["tx_1", "tx_2"]),
            movement=st.sampled_from(["m_1", "m_2", "m_3"]),
            money=st.sampled_from([TOTAL, Money(1000, "EUR"), Money(599, "EUR"), Money(5990, "USD")]),
        ),
        max_size=12,
    )
)
def test_money_is_never_booked_twice_nor_beyond_the_order(messages: list[Message]) -> None:
    order = run(messages)
    assert order.sum_of(Entry.payment) in (0, 5990)
    assert order.sum_of(Entry.refund) <= 5990
    assert len({(row.entry, row.movement) for row in order.ledger}) == len(order.ledger)
    assert (order.state in (S.open, S.refunded)) == (order.sum_of(Entry.payment) > 0)
