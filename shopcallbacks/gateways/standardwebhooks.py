"""Standard Webhooks and Svix: HMAC-SHA256 or Ed25519 over id, time and raw body; the payload's places are settings.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..domain.values import Message, Reply, Request, Verification
from .base import Area, Example, Found, Gateway, Kind, Setting, Settings, Signing, Step
from .kit.fields import FIELD_SETTINGS, Header, found_by_fields, message_by_fields, reply_by_settings, write_fields
from .kit.signatures import age_problem, first_match, read_base64, same, same_base64

FAMILIES = ("webhook", "svix")  # two names for the same headers
# The gateway's words to ours: the setting `statuses`.


class StandardWebhooks(Gateway):
    name = "standardwebhooks"
    title = "Standard Webhooks / Svix"
    letters = "SW"
    docs = "https://www.standardwebhooks.com/"
    check = "HMAC-SHA256 (v1) or Ed25519 (v1a) of id, time and raw body, in the header webhook-signature"
    tested = "standardwebhooks and svix (Python, npm), PyNaCl for v1a, the specification's example"
    described = True
    area = Area.any
    countries = "Any country"
    steps = (
        Step(
            "Where the sender lists its endpoints, add one with this account's address.",
            "https://www.standardwebhooks.com/",
        ),
        Step(
            "Let it tell of payments and their failures, refunds and disputes.",
        ),
        Step(
            "Enter its signing secret (whsec_...) here, or its public key (whpk_...) if it signs with one.",
        ),
        Step(
            "Say where order number, amount, currency and status stand, and which of its words mean paid, failed "
            "and refunded.",
        ),
        Step(
            "Have the sender send an example, or make a test payment, and open what came: it says what did not fit.",
        ),
    )
    settings = (
        Setting(
            "secrets",
            "Signing secrets",
            Kind.secrets,
            "whsec_..., where the sender lists your endpoint. Not needed where it signs with a public key.",
        ),
        Setting(
            "public_keys",
            "Public keys",
            Kind.texts,
            "whpk_..., where the sender signs with Ed25519 (v1a).",
            default=[],
        ),
        Setting(
            "tolerance_s",
            "Allowed age of a signature, in seconds",
            Kind.number,
            "Measured when the callback arrives, either way.",
            default=300,
        ),
        *FIELD_SETTINGS,
    )

    def faults(self, settings: Settings) -> dict[str, str]:
        if settings.keys() >= {"secrets", "public_keys"} and not settings["secrets"] and not settings["public_keys"]:
            return {"secrets": "or a public key is needed: without both nothing it sends can be verified"}
        return {}

    def verify(self, request: Request, settings: Settings) -> Verification:
        families = _families(request)
        if not families or None in families[0] or any(family != families[0] for family in families):
            return Verification.not_genuine(
                "The headers webhook-id, webhook-timestamp and webhook-signature are missing, came twice or disagree."
            )
        id_, time, signatures = (value or "" for value in families[0])
        # A dot would let id, time and body be cut elsewhere under the same signature.
        if not re.fullmatch(r"[!-\-/-~]+", id_) or not re.fullmatch(r"\d{1,15}", time, re.ASCII):
            return Verification.not_genuine("The header webhook-id or webhook-timestamp can't be read.")
        signed = f"{id_}.{time}.".encode() + request.body
        pieces = [piece.partition(",") for piece in signatures.split(" ")]
        if any(piece.endswith(",") for _, _, piece in pieces):
            return Verification.not_genuine("The header webhook-signature came twice, joined by a comma.")
        matched = first_match(settings["secrets"], lambda secret: _hmac_fits(secret, signed, _of("v1", pieces)))
        public = first_match(settings["public_keys"], lambda key: _ed25519_fits(key, signed, _of("v1a", pieces)))
        if matched is None and public is None:
            return Verification.not_genuine("No signature fits a live secret or public key.")
        problem = age_problem(int(time), request.arrived_at, settings["tolerance_s"])
        return Verification.not_genuine(problem, mistimed=True) if problem else Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        id_, _, _ = next(iter(_families(request)), (None, None, None))
        return (message_by_fields(request.body, _signed_header(request), settings, id_),)

    def signing(self, request: Request, settings: Settings) -> Signing | None:
        id_, time, signatures = next(iter(_families(request)), (None, None, None))
        if id_ is None or time is None or signatures is None:
            return None
        signed = f"{id_}.{time}.".encode() + request.body
        return Signing(
            signed,
            tuple(signatures.split(" ")),
            tuple(_write(secret, signed) for secret in settings["secrets"] or ()),
        )

    def found(self, request: Request, settings: Settings) -> dict[str, Found]:
        return found_by_fields(request.body, _signed_header(request), settings)

    def reply(self, request: Request, settings: Settings) -> Reply:
        return reply_by_settings(settings)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        written = write_fields(message, settings)
        if written is None or not settings["secrets"]:
            return None
        body, _ = written
        id_, time = (message.event_id or f"msg_{message.order_number}").replace(".", "-"), str(int(at.timestamp()))
        signature = _write(settings["secrets"][0], f"{id_}.{time}.".encode() + body)
        headers = (
            ("Content-Type", "application/json"),
            ("webhook-id", id_),
            ("webhook-timestamp", time),
            ("webhook-signature", signature),
        )
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _families(request: Request) -> list[tuple[str | None, ...]]:
    """Id, time and signatures of each header family of which anything came; None: missing or came twice."""
    names = [[f"{family}-{part}" for part in ("id", "timestamp", "signature")] for family in FAMILIES]
    return [
        tuple(request.header(name) for name in family) for family in names if any(map(request.header_values, family))
    ]


def _signed_header(request: Request) -> Header:
    """The headers that the signature covers, under both their names."""
    id_, time, _ = next(iter(_families(request)), (None, None, None))
    signed = {f"{family}-{name}": value for family in FAMILIES for name, value in (("id", id_), ("timestamp", time))}
    return lambda name: signed.get(name.lower())


def _of(version: str, pieces: list[tuple[str, str, str]]) -> list[str]:
    return [signature for name, _, signature in pieces if name == version]


def _key(text: str, prefix: str) -> bytes:
    """The decoded key, empty where it can't be read."""
    return read_base64(text.removeprefix(prefix)) or b""


def _hmac_fits(secret: str, signed: bytes, signatures: list[str]) -> bool:
    digest = _digest(secret, signed)
    return bool(_key(secret, "whsec_")) and any([same_base64(signature, digest) for signature in signatures])


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.new(_key(secret, "whsec_"), signed, hashlib.sha256).digest()


def _write(secret: str, signed: bytes) -> str:
    """The signature as it is sent."""
    return f"v1,{base64.b64encode(_digest(secret, signed)).decode()}"


def _ed25519_fits(public_key: str, signed: bytes, signatures: list[str]) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(_key(public_key, "whpk_"))
    except ValueError:
        return False
    return any([_ed25519_signed(key, signature, signed) for signature in signatures])


def _ed25519_signed(key: Ed25519PublicKey, signature: str, signed: bytes) -> bool:
    decoded = read_base64(signature) or b""
    try:
        key.verify(decoded, signed)
    except InvalidSignature:
        return False
    return same(signature, base64.b64encode(decoded))  # padded, as the sender writes it
