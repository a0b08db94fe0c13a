"""Whether order changes are ours: the signature of Standard Webhooks, by the standard library alone."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

FIVE_MINUTES = 300


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> bool:
    """`secrets`: all that are in use; `headers`: with names in small letters; `body`: as it came, byte for byte."""
    id_, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdecimal() or abs(time.time() - int(at)) > FIVE_MINUTES:
        return False
    given = headers.get("webhook-signature", "").encode().split()
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        if not key:
            continue  # anybody could have signed with it
        made = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
        ours = b"v1," + base64.b64encode(made)
        if any([hmac.compare_digest(ours, theirs) for theirs in given]):
            return True
    return False
