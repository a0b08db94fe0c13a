"""Why a verification failed, in words: what would have passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopcallbacks.domain.errors import Conflict
from shopcallbacks.domain.values import Message, Money, Outcome, Request, Verification
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete
from shopcallbacks.processing.diagnosis import Diagnosis, Others, explain

AT = datetime(2026, 11, 23, 18, 42, tzinfo=UTC)
STRIPE = GATEWAYS["stripe"]
SETTINGS = complete(STRIPE, {"signing_secrets": ["whsec_live"]})


@pytest.fixture
def request_() -> Request:
    said = Message(Outcome.paid, "26", "pi_1", "evt_1", Money(5990, "EUR"), test=False, customer="zo\xeb@x.example")
    example = STRIPE.example(SETTINGS, said, AT)
    assert example is not None
    return example.request


def told(request: Request, settings: dict[str, Any] = SETTINGS, *others: Others) -> Diagnosis | None:
    verification = STRIPE.verify(request, settings)
    assert isinstance(verification, Verification)
    return explain(STRIPE, request, settings, verification, others)


def test_another_secret_is_named_and_what_is_to_be_put_right(request_: Request) -> None:
    other = complete(STRIPE, {"signing_secrets": ["whsec_other"]})
    yesterday = Others("the secret of yesterday", SETTINGS, Conflict.secret_retired, 7)
    assert told(request_, other, yesterday) == Diagnosis(
        "would have passed with the secret of yesterday", Conflict.secret_retired, 7
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
    found = told(replace(request_, body=change(request_.body)))
    assert found is not None
    assert (expected in found.sentence, found.conflict) == (True, Conflict.rewritten)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_signature_that_fits_at_another_time_is_a_matter_of_clocks(request_: Request, hours: int) -> None:
    found = told(replace(request_, arrived_at=AT + timedelta(hours=hours)))
    assert found is not None
    assert (found.conflict, "7,200 s" in found.sentence) == (Conflict.mistimed, True)


def test_a_forged_one_has_no_explanation(request_: Request) -> None:
    assert told(replace(request_, body=request_.body.replace(b"5990", b"1"))) is None
