"""Each preset of a known signer takes what that signer signs: the signatures here are computed by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shopcallbacks.domain.values import Request, Verdict, Verification
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import check

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="  # base64, for the signer that wants it
BODY = b'{"id": "evt_1", "order": "251123-26", "sum": 5990}'
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))
ISO = "2026-11-23T12:00:00Z"
Headers = dict[str, str]


def digest(signed: bytes, algorithm: Any = hashlib.sha256, key: bytes = SECRET.encode()) -> bytes:
    return hmac.new(key, signed, algorithm).digest()


def b64(signed: bytes) -> str:
    return base64.b64encode(digest(signed)).decode()


def standard(body: bytes) -> Headers:
    signed = f"msg_1.{STAMP}.".encode() + body
    fits = base64.b64encode(digest(signed, key=base64.b64decode(SECRET))).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": STAMP, "webhook-signature": f"v1,AAAA v1,{fits}"}


SIGNERS: dict[str, Callable[[bytes], Headers]] = {
    "hex": lambda body: {"X-Signature": digest(body).hex()},
    "base64": lambda body: {"X-Signature": b64(body)},
    "github": lambda body: {"X-Hub-Signature-256": "sha256=" + digest(body).hex()},
    "hub": lambda body: {"X-Hub-Signature": "sha1=" + digest(body, hashlib.sha1).hex()},
    "shopify": lambda body: {"X-Shopify-Hmac-Sha256": b64(body)},
    "woocommerce": lambda body: {"X-WC-Webhook-Signature": b64(body)},
    "typeform": lambda body: {"Typeform-Signature": "sha256=" + b64(body)},
    "stripe": lambda body: {
        "Stripe-Signature": f"t={STAMP},v1={'0' * 64},v1={digest(STAMP.encode() + b'.' + body).hex()},v0=abc"
    },
    "slack": lambda body: {
        "X-Slack-Request-Timestamp": STAMP,
        "X-Slack-Signature": "v0=" + digest(f"v0:{STAMP}:".encode() + body).hex(),
    },
    "zendesk": lambda body: {
        "X-Zendesk-Webhook-Signature-Timestamp": ISO,
        "X-Zendesk-Webhook-Signature": b64(ISO.encode() + body),
    },
    "standardwebhooks": standard,
}
PRESETS = [(name, preset) for name, gateway in GATEWAYS.items() for preset in gateway.presets]


def verdict(gateway: str, settings: dict[str, Any], headers: Headers, body: bytes) -> Verdict:
    request = Request("POST", "/", b"", tuple(headers.items()), body, "192.0.2.1", AT)
    found = GATEWAYS[gateway].verify(request, settings)
    assert isinstance(found, Verification)
    return found.verdict


def test_every_preset_has_a_signer_here() -> None:
    assert {preset.key for _, preset in PRESETS} == set(SIGNERS)
    assert len(PRESETS) == len(SIGNERS)


@pytest.mark.parametrize(("gateway", "preset"), PRESETS, ids=[preset.key for _, preset in PRESETS])
def test_what_the_signer_signs_is_genuine_and_nothing_else(gateway: str, preset: Any) -> None:
    places = {"order_number": "/order", "amount": "/sum", "currency": "literal:EUR"}
    rest = {"secrets": [SECRET], "fields": places, "statuses": {"ok": "paid"}}
    settings = check(GATEWAYS[gateway], {**rest, **preset.settings})
    headers = SIGNERS[preset.key](BODY)
    assert verdict(gateway, settings, headers, BODY) is Verdict.genuine
    assert verdict(gateway, settings, headers, BODY + b" ") is Verdict.not_genuine
    other = {**settings, "secrets": ["b3RoZXI="]}
    assert verdict(gateway, other, headers, BODY) is Verdict.not_genuine
