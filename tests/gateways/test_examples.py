"""A gateway's own example is genuine and says what it was asked to say: `example` is the inverse of `interpret`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete
from shopcallbacks.values import Answer, Ask, Message, Money, NoAnswer, Outcome, Verdict
from shopcallbacks.verifying import verify

from .vectors import OWN, load

AT = datetime(2026, 11, 23, 18, 42, 10, tzinfo=UTC)
CONFIG: dict[str, dict[str, Any]] = {}
for _, vector in load(OWN):
    CONFIG.setdefault(vector["gateway"], vector["config"])
OUTCOMES = (Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded)


@pytest.mark.parametrize("name", list(GATEWAYS))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_example_is_genuine_and_says_what_it_should(name: str, outcome: Outcome) -> None:
    gateway, settings = GATEWAYS[name], complete(GATEWAYS[name], CONFIG[name])
    message = Message(
        outcome, "251123-26", "tx_1234567890", "ev_1234567890", Money(5990, "EUR"), customer="a@b.example"
    )
    example = gateway.example(settings, message, AT)
    if example is None:
        return  # the gateway has no way of saying this; that `paid` can be said is the contract's business
    answers = list(example.answers)

    def ask(question: Ask) -> Answer | NoAnswer:
        return answers.pop(0) if answers else NoAnswer("no answer left")

    verification = verify(gateway, example.request, settings, ask)
    assert verification.verdict is Verdict.genuine, verification.detail
    (said,) = gateway.interpret(example.request, settings, verification.evidence)
    assert said.outcome is outcome
    assert said.money in (message.money, None)
    assert said.order_number == message.order_number or outcome is Outcome.refunded
