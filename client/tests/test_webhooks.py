"""Only what a secret of the shop's has signed is read."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from shopcallbacks_client import BadSignature, Webhooks
from standardwebhooks import Webhook

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in range(3))
EVENT = {
    **{"position": "7", "kind": "opened", "order": "26-1", "from": "temporary", "to": "open"},
    **{"amount": "59.90", "currency": "EUR", "transaction_id": "pi_1", "at": "2026-11-26T20:00:00+00:00"},
}
BODY = json.dumps(EVENT).encode()


def headers(*secrets: str, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signatures = " ".join(Webhook(secret).sign("evt_1", at, body.decode()) for secret in secrets)
    stamp = str(int(at.timestamp()))
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": stamp, "Webhook-Signature": signatures}


def test_what_is_ours_is_an_event() -> None:
    event = Webhooks(NEW).read(headers(NEW), BODY)
    assert (event.order, event.to, event.place, event.raw) == ("26-1", "open", 7, EVENT)


def test_while_one_secret_takes_over_from_another_either_fits() -> None:
    webhooks = Webhooks(OLD, NEW)
    for signed in (headers(OLD), headers(NEW), headers(OTHER, NEW)):
        assert webhooks.read(signed, BODY).order == "26-1"


@pytest.mark.parametrize(
    ("signed", "body"),
    [
        (headers(OTHER), BODY),
        (headers(NEW), BODY.replace(b"open", b"oben")),
        (headers(NEW, at=datetime.now(UTC) - timedelta(hours=1)), BODY),
        ({}, BODY),
        ({**headers(NEW), "Webhook-Signature": "v1"}, BODY),
        ({**headers(NEW), "Webhook-Signature": "v1,?"}, BODY),
        (headers(NEW), b"\xff\xfe"),
    ],
    ids=["another secret", "another body", "old", "no headers", "half a signature", "no base64", "no text"],
)
def test_anything_else_is_not_ours(signed: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        Webhooks(OLD, NEW).read(signed, body)
