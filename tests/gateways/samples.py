"""Genuine requests of every gateway: from its own `example` where it can make one, else from its vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Gateway
from shopcallbacks.gateways.settings import complete
from shopcallbacks.values import Answer, Ask, Message, Money, NoAnswer, Outcome, Request, Verdict, Verification
from shopcallbacks.verifying import verify

from .vectors import OWN, Exchange, Vector, load, request_of

AT = datetime(2026, 11, 23, 18, 42, 10, tzinfo=UTC)
ORDER = "251123-26"
SAID = Message(Outcome.paid, ORDER, "tx_1234567890", "ev_1234567890", Money(5990, "EUR"), customer="a@b.example")

Asker = Callable[[Ask], Answer | NoAnswer]
Heard = tuple[Verification, tuple[Message, ...]]


@dataclass(frozen=True)
class Sample:
    """A request, its account's settings, and what the gateway answers to which question."""

    gateway: Gateway
    settings: Mapping[str, Any]
    request: Request
    answers: dict[tuple[str, str, bytes], Answer | NoAnswer] = field(default_factory=dict)

    def ask(self, question: Ask) -> Answer | NoAnswer:
        """The gateway's side, honestly: it knows what it sent and nothing else."""
        return self.answers.get((question.method, question.url, question.body), Answer(200, b"INVALID"))

    def heard(self, request: Request | None = None, ask: Asker | None = None, **settings: Any) -> Heard:
        """Verified and interpreted, as production does."""
        request, settings = request or self.request, {**self.settings, **settings}
        verification = verify(self.gateway, request, settings, ask or self.ask)
        return verification, self.gateway.interpret(request, settings, verification.evidence)


@cache
def vectors_of(name: str) -> tuple[Vector, ...]:
    return tuple(vector for _, vector in load(OWN) if vector["gateway"] == name)


def account(name: str, asking: bool | None = None) -> dict[str, Any]:
    """The settings of the gateway's first vector; with `asking`, of the first one that asks, or that does not."""
    gateway = GATEWAYS[name]
    found = (complete(gateway, vector["config"]) for vector in vectors_of(name))
    return next(settings for settings in found if asking in (None, gateway.asks(settings)))


def example(name: str, settings: Mapping[str, Any], said: Message) -> Sample | None:
    """The gateway's own example, in the account's currency where it has one."""
    gateway = GATEWAYS[name]
    if said.money and settings.get("currency"):
        said = replace(said, money=Money(said.money.minor, settings["currency"]))
    made = gateway.example(settings, said, AT)
    return None if made is None else recorded(Sample(gateway, settings, made.request), list(made.answers))


def recorded(sample: Sample, answers: list[Answer]) -> Sample:
    """The sample with each question it leads to, and the answer to it."""

    def ask(question: Ask) -> Answer | NoAnswer:
        answer = answers.pop(0) if answers else NoAnswer("no answer left")
        sample.answers[question.method, question.url, question.body] = answer
        return answer

    sample.heard(ask=ask)
    return sample


def of_vector(vector: Vector) -> Sample:
    gateway = GATEWAYS[vector["gateway"]]
    sample = Sample(gateway, complete(gateway, vector["config"]), request_of(vector))
    exchange = Exchange([step for step in vector.get("exchange") or [] if step["purpose"] == "ask"])

    def ask(question: Ask) -> Answer | NoAnswer:
        answer = exchange.ask(question)
        sample.answers[question.method, question.url, question.body] = answer
        return answer

    sample.heard(ask=ask)
    return sample


def from_vectors(name: str, outcome: Outcome) -> Iterator[Sample]:
    for vector in vectors_of(name):
        if vector["expect"]["outcome"] == outcome:
            yield of_vector(vector)


def sample(name: str, outcome: Outcome = Outcome.paid) -> Sample | None:
    """Of the gateway's own making, else out of its vectors; None where it has no way of saying that."""
    own = example(name, account(name), replace(SAID, outcome=outcome))
    return own or next(from_vectors(name, outcome), None)


def paid(name: str) -> Sample:
    found = sample(name)
    assert found is not None, f"{name} can't say paid"
    return found


def meaning(messages: tuple[Message, ...]) -> list[tuple[object, ...]]:
    """What would be done, whatever else the messages tell."""
    return [(m.outcome, m.order_number, m.transaction_id, m.money) for m in messages]


def is_genuine(heard: Heard) -> bool:
    return heard[0].verdict is Verdict.genuine
