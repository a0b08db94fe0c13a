"""Any bytes at all to any gateway: nothing breaks, nothing forged is believed, and every verdict says why.

`--requests N`: how many requests in all, 20,000 unless told; the same ones each time, more of them with a larger N.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopcallbacks.domain.values import Answer, Ask, Message, Money, NoAnswer, Outcome, Request, Verdict, Verification
from shopcallbacks.gateways import GATEWAYS

from .mutating import any_answer, any_request, changed
from .samples import AT, Sample, is_genuine, meaning, of_vector, paid, vectors_of

SEED = 20_251_123

# A changed certificate may be one that only newer versions of the library refuse.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")

# What some gateways do not sign, so that changing it is not noticed. What makes up for it is said where it is.
UNSIGNED = {
    "worldpay": "a password or a token comes along, no signature",
    "authorizenet_sim": "neither the currency nor x_type are hashed, with MD5 not even the result",
    "paytr": "the currency is not hashed: the order's must be the same",
}


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_no_request_breaks_anything_and_no_forged_one_is_believed(name: str, pytestconfig: pytest.Config) -> None:
    requests = -(-pytestconfig.getoption("--requests") // len(GATEWAYS))
    print(f"seed {SEED}, {requests} requests")
    samples = [of_vector(vector) for vector in vectors_of(name)]
    for number in range(requests):
        rng = Random(f"{SEED} {name} {number}")
        sample = rng.choice(samples)
        request = changed(rng, sample.request) if rng.random() < 0.9 else any_request(rng, sample.request)
        try:
            endure(sample, request, rng)
        except BaseException as error:
            error.add_note(f"{name}, seed {SEED}, request {number}: {request}")
            raise


@pytest.mark.parametrize("name", list(GATEWAYS))
@settings(max_examples=20, derandomize=True, deadline=None, database=None)
@given(body=st.binary(max_size=300), query=st.binary(max_size=50), header=st.text(st.characters(max_codepoint=255)))
def test_bytes_out_of_nowhere_are_never_believed(name: str, body: bytes, query: bytes, header: str) -> None:
    sample = paid(name)
    headers = tuple((key, header) for key, _ in sample.request.headers)
    request = Request("POST", "/", query, headers, body, "192.0.2.1", AT)
    assert not is_genuine(endure(sample, request, Random(0)))


def endure(sample: Sample, request: Request, rng: Random) -> tuple[Verification, tuple[Message, ...]]:
    """Puts the request through all that production does with it, with an honest gateway and with a confused one."""
    heard = sample.heard(request, lambda question: check_question(question, sample, sample.ask(question)))
    check_heard(*heard, sample)
    if is_genuine(heard):
        check_unchanged(heard, request, sample)
    confused = sample.heard(request, lambda question: any_answer(rng, check_question(question, sample, _like(sample))))
    check_heard(*confused, sample)
    if not sample.gateway.asks(sample.settings):
        assert confused == heard  # whom nobody answers is not confused either
    claimed = sample.gateway.interpret(request, sample.settings, {})  # what a forced attempt would read
    check_messages(claimed, sample)
    check_reply(request, sample)
    check_acknowledgement(request, (*heard[1], *claimed), sample)
    return heard


def _like(sample: Sample) -> Answer | NoAnswer:
    return next(iter(sample.answers.values()), Answer(200, b"{}"))


def check_heard(verification: Verification, messages: tuple[Message, ...], sample: Sample) -> None:
    assert isinstance(verification.verdict, Verdict)
    assert verification.verdict is not Verdict.skipped
    assert verification.detail or verification.verdict is Verdict.genuine
    assert verification.matched is None or verification.matched >= 0
    assert isinstance(verification.detail, str)
    assert_storable(verification.delivery_id)
    check_messages(messages, sample)


def check_messages(messages: tuple[Message, ...], sample: Sample) -> None:
    assert isinstance(messages, tuple)
    for message in messages:
        check_message(message, sample)


def check_message(message: Message, sample: Sample) -> None:
    assert isinstance(message.outcome, Outcome)
    assert message.detail or message.outcome is not Outcome.unclear
    assert message.outcome is Outcome.unclear or not message.unreadable
    assert isinstance(message.detail, str)  # made storable where it is recorded
    assert message.test in (True, False, None)
    assert message.movement or message.outcome is not Outcome.refunded
    assert message.money or message.outcome is not Outcome.paid or sample.gateway.name == "gocardless"  # sends none
    assert_storable(*_texts(message))
    if message.money is not None:
        check_money(message.money)


def _texts(message: Message) -> Iterable[str | None]:
    return message.order_number, message.transaction_id, message.event_id, message.movement, message.customer


def check_money(money: Money) -> None:
    assert type(money.minor) is int
    assert abs(money.minor) < 2**63
    assert re.fullmatch(r"[A-Z]{3}", money.currency)
    assert Money.of(money.amount, money.currency) == money


def assert_storable(*texts: Any) -> None:
    """As PostgreSQL can keep it: a text without half surrogates and zero bytes, or nothing."""
    for text in texts:
        assert text is None or isinstance(text, str)
        assert "\x00" not in (text or "").encode().decode()


def check_question(question: Ask, sample: Sample, answer: Answer | NoAnswer) -> Answer | NoAnswer:
    """Nothing in a request leads a question to another place than the gateway's own."""
    url = urlsplit(question.url)
    assert url.scheme == "https"
    assert url.netloc in own_hosts(sample)
    assert re.fullmatch(r"[A-Za-z0-9/_.-]*", url.path)
    assert not url.query
    assert not url.fragment
    return answer


def own_hosts(sample: Sample) -> set[str]:
    steps = [step for vector in vectors_of(sample.gateway.name) for step in vector.get("exchange") or []]
    return {urlsplit(step["request"]["url"]).netloc for step in steps}


def check_reply(request: Request, sample: Sample) -> None:
    reply = sample.gateway.reply(request, sample.settings)
    assert 200 <= reply.status <= 299
    assert_storable(reply.body)
    assert re.fullmatch(r"[a-z]+/[a-z]+; charset=utf-8", reply.content_type)


def check_acknowledgement(request: Request, messages: tuple[Message, ...], sample: Sample) -> None:
    if not is_genuine(sample.heard(request)):
        return  # nothing is acknowledged that was not believed
    question = sample.gateway.acknowledge(request, sample.settings, messages)
    if question is not None:
        check_question(question, sample, NoAnswer(""))


def check_unchanged(heard: tuple[Verification, tuple[Message, ...]], request: Request, sample: Sample) -> None:
    """What is believed although it was changed says nothing that was not said before it was."""
    said = sample.heard()
    if sample.gateway.name in UNSIGNED or not is_genuine(said):  # a field that came twice may come once now
        return
    assert told(sample, heard[1]) <= told(sample, said[1])


def told(sample: Sample, messages: tuple[Message, ...]) -> set[tuple[object, ...]]:
    """All that decides. A generic template of fields need not name the transaction."""
    if sample.gateway.name == "generic_hmac":
        messages = tuple(replace(message, transaction_id=None) for message in messages)
    return set(meaning(messages))
