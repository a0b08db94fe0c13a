"""Whatever waits, a person can end it otherwise than by calling it not ours."""

from __future__ import annotations

from itertools import product

import pytest

from shopcallbacks.domain.errors import OURS_TO_MEND, CallbackFailed, Conflict, Reason
from shopcallbacks.domain.money import OrderFacts, OrderState, Settings, Verb, decide, fitting, verbs_for
from shopcallbacks.domain.values import Message, Money, Outcome

from .stories import EPOCH


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_verb_that_ends_it(reason: Reason) -> None:
    for conflict, outcome, state in product((None, *Conflict), (None, *Outcome), (None, *OrderState)):
        assert verbs_for(reason, conflict, outcome, state) - {Verb.remove}


@pytest.mark.parametrize("conflict", [one for one in Conflict if one not in OURS_TO_MEND])
def test_every_conflict_has_a_verb_of_its_own(conflict: Conflict) -> None:
    assert verbs_for(Reason.order_conflict, conflict, Outcome.paid) - {Verb.remove, Verb.close}


@pytest.mark.parametrize("conflict", OURS_TO_MEND)
def test_what_is_ours_to_put_right_is_retried_then_and_decided_by_nobody(conflict: Conflict) -> None:
    assert verbs_for(Reason.not_genuine, conflict, Outcome.paid) == {Verb.retry, Verb.remove}


def test_what_is_not_known_to_be_genuine_is_not_set_aside_as_dealt_with() -> None:
    assert Verb.close not in verbs_for(Reason.not_genuine, None, None)
    assert Verb.retry in verbs_for(Reason.not_genuine, None, None)


@pytest.mark.parametrize(
    ("order", "money", "verbs"),
    [
        (OrderFacts("A-1", Money(4900, "EUR")), Money(4800, "EUR"), "accept part owe"),
        (OrderFacts("A-1", Money(4900, "EUR")), Money(5400, "EUR"), "accept owe"),
        (OrderFacts("A-1", Money(4900, "EUR")), Money(4900, "USD"), "accept owe"),
        (OrderFacts("A-1", Money(4900, "EUR"), OrderState.cancelled), Money(4900, "EUR"), "reopen owe"),
        (OrderFacts("A-1", Money(4900, "EUR"), OrderState.cancelled), Money(4800, "EUR"), "reopen accept part owe"),
        (OrderFacts("A-1", Money(4900, "EUR"), OrderState.open), Money(4900, "EUR"), "take_too owe"),
        (OrderFacts("A-1", Money(4900, "EUR"), OrderState.open), Money(4900, "USD"), "owe"),
    ],
)
def test_the_verbs_that_are_offered_are_those_that_the_rules_do_not_refuse(
    order: OrderFacts, money: Money, verbs: str
) -> None:
    message = Message(Outcome.paid, "A-1", "T1", money=money)
    with pytest.raises(CallbackFailed) as failed:
        decide(order, message, 1, EPOCH, Settings())
    found = fitting(order, message, 1, EPOCH, Settings(), failed.value)
    assert found == {*map(Verb, verbs.split()), Verb.close, Verb.remove}
