"""Signatures: always compared as bytes in constant time, so that no header can make the comparison raise."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any


def same(given: str | bytes | None, expected: str | bytes) -> bool:
    """Equal, in constant time. None is never equal; text is compared as UTF-8 (half surrogates and all)."""
    if given is None:
        return False
    return hmac.compare_digest(as_bytes(given), as_bytes(expected))


def same_hex(given: str | None, digest: bytes) -> bool:
    """The hex text names the digest, in either case."""
    return given is not None and same(given.lower(), digest.hex())


def same_base64(given: str | None, digest: bytes) -> bool:
    """The text is exactly the digest's standard padded base64."""
    return same(given, base64.b64encode(digest))


def first_match(secrets: Iterable[Any] | None, fits: Callable[[Any], bool]) -> int | None:
    """The index of the first secret that fits, None where none does. Every secret is tried; an empty one never fits."""
    found = [index for index, secret in enumerate(secrets or ()) if secret and fits(secret)]
    return found[0] if found else None


def as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def age_problem(signed_at: float, arrived_at: datetime, tolerance: int | None) -> str | None:
    """A sentence where the signed Unix time is further from the arrival than allowed, either way."""
    age = arrived_at.timestamp() - signed_at
    if abs(age) <= (tolerance or 0):
        return None
    return (
        f"The signature fits, but its time is {abs(age):,.0f} s {'old' if age > 0 else 'ahead'}; "
        f"{tolerance or 0} s are allowed."
    )


def read_base64(value: str | bytes, *, urlsafe: bool = False) -> bytes | None:
    """Strictly decoded standard (or URL-safe) base64, padding optional; None where it is not base64."""
    data = as_bytes(value).rstrip(b"=")
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_" if urlsafe else None, validate=True)
    except (binascii.Error, ValueError):
        return None
