"""Order changes that are sent to the shop, signed as Standard Webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from .errors import ShopcallbacksError
from .values import Event


class BadSignature(ShopcallbacksError):
    """Nobody who knows a secret sent it, or it is older than five minutes: answer 400, and do nothing."""


class Webhooks:
    """Reads with any of the secrets, so that one can take over from another."""

    def __init__(self, *secrets: str) -> None:
        self._webhooks = [Webhook(secret) for secret in secrets]

    def read(self, headers: Mapping[str, str], body: bytes) -> Event:
        """The event, which is ours; `BadSignature` of any other. `body`: as it came, byte for byte."""
        for webhook in self._webhooks:
            try:
                told = webhook.verify(body, dict(headers))
            except (WebhookVerificationError, ValueError):  # ValueError: headers or body that nobody could have signed
                continue
            return Event.read(told)
        raise BadSignature("No secret fits this signature.")
