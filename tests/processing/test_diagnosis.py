"""Why a verification failed, in words: what would have passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete
from shopcallbacks.processing.diagnosis import explain

AT = datetime(2026, 11, 23, 18, 42, tzinfo=UTC)
STRIPE = GATEWAYS["stripe"]
SETTINGS = complete(STRIPE, {"signing_secrets": ["whsec_live"]})


@pytest.fixture
def request_() -> Request:
    said = Message(Outcome.paid, "26", "pi_1", "evt_1", Money(5990, "EUR"), test=False, customer="zo\xeb@x.example")
    example = STRIPE.example(SETTINGS, said, AT)
    assert example is not None
    return example.request


def test_another_secret_is_named(request_: Request) -> None:
    other = complete(STRIPE, {"signing_secrets": ["whsec_other"]})
    assert explain(STRIPE, request_, other, [("the secret of yesterday", SETTINGS)]) == (
        "would have passed with the secret of yesterday"
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda body: body + b"\n", "without the line end at its end"),
        (lambda body: body.replace(b"\n", b"\r\n"), "with line ends of one byte"),
        (lambda body: b"\xef\xbb\xbf" + body, "without a byte order mark"),
    ],
)
def test_a_body_changed_on_its_way_is_noticed(request_: Request, change: object, expected: str) -> None:
    assert callable(change)
    told = explain(STRIPE, replace(request_, body=change(request_.body)), SETTINGS, [])
    assert told is not None
    assert expected in told


def test_a_forged_one_has_no_explanation(request_: Request) -> None:
    assert explain(STRIPE, replace(request_, body=request_.body.replace(b"5990", b"1")), SETTINGS, []) is None
