"""A gateway's own example is genuine and says what it was asked to say: `example` is the inverse of `interpret`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.values import Outcome

from .samples import ORDER, SAID, account, example, is_genuine

OUTCOMES = (Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded)


@pytest.mark.parametrize("name", list(GATEWAYS))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_example_is_genuine_and_says_what_it_should(name: str, outcome: Outcome) -> None:
    made = example(name, account(name), replace(SAID, outcome=outcome))
    if made is None:
        return  # what a gateway has no way of saying stands in the contract
    verification, messages = made.heard()
    assert is_genuine((verification, messages)), verification.detail
    *before, said = messages  # who tells the state of a payment tells that it was paid before what was given back
    assert said.outcome is outcome
    assert [message.outcome for message in before] in ([], [Outcome.paid])
    assert not before or outcome is Outcome.refunded
    assert said.money is None or said.money.minor == 5990
    assert said.order_number == ORDER or outcome is Outcome.refunded
