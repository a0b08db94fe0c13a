"""A gateway's own example is genuine and says what it was asked to say: `example` is the inverse of `interpret`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.values import Outcome

from .samples import ORDER, SAID, account, example, is_genuine, of_outcome

OUTCOMES = [outcome for outcome in Outcome if outcome not in (Outcome.ignored, Outcome.unclear)]
# What was told before names the order already: these may name the payment only.
LATER = (
    *(Outcome.refunded, Outcome.refund_failed, Outcome.disputed),
    *(Outcome.charged_back, Outcome.chargeback_reversed),
)


@pytest.mark.parametrize("name", list(GATEWAYS))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_example_is_genuine_and_says_what_it_should(name: str, outcome: Outcome) -> None:
    made = example(name, account(name), replace(SAID, outcome=outcome))
    if made is None:
        return  # what a gateway has no way of saying stands in the contract
    verification, messages = made.heard()
    assert is_genuine((verification, messages)), verification.detail
    said = of_outcome(messages, outcome)
    assert said.money is None or said.money.minor == 5990
    assert said.order_number == ORDER or outcome in LATER
