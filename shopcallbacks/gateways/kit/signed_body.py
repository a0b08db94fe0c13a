"""Gateways that put the hex HMAC of the raw body into one header: what they share. Not a gateway."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ...domain.values import Request, Verification
from .signatures import first_match, same_hex


def verify_body(request: Request, header: str, secrets: Iterable[str] | None, algorithm: str) -> Verification:
    """Genuine where the header, sent once, holds the HMAC of the body under one of the secrets."""
    signature = request.header(header)
    if signature is None:
        return Verification.not_genuine(f"The header {header} is missing or came twice.")
    matched = first_match(secrets, lambda secret: same_hex(signature, _digest(secret, request.body, algorithm)))
    if matched is None:
        return Verification.not_genuine("The signature fits no live secret.")
    return Verification.genuine(matched=matched)


def signed_post(event: Mapping[str, Any], header: str, secret: str, algorithm: str, at: datetime) -> Request:
    """A POST of the event that `verify_body` finds genuine, for examples."""
    body = json.dumps(event, separators=(",", ":")).encode()
    headers = (("Content-Type", "application/json"), (header, _digest(secret, body, algorithm).hex()))
    return Request("POST", "/", b"", headers, body, "127.0.0.1", at)


def _digest(secret: str, body: bytes, algorithm: str) -> bytes:
    return hmac.new(secret.encode(), body, algorithm).digest()
