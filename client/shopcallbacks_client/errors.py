"""What a call can end with, other than an order."""

from __future__ import annotations

from collections.abc import Mapping

from .values import Order


class ShopcallbacksError(Exception):
    """All of them. The text is the server's own sentence."""


class Unauthorized(ShopcallbacksError):
    """The API token is missing or not known."""


class NotFound(ShopcallbacksError):
    """There is no such order."""


class Refused(ShopcallbacksError):
    """The order can't be moved so. `order`: as it stands, with what it has taken."""

    def __init__(self, sentence: str, order: Order) -> None:
        super().__init__(sentence)
        self.order = order


class Invalid(ShopcallbacksError):
    """The order can't be taken as it was written. `fields`: a sentence for each bad one."""

    def __init__(self, sentence: str, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join([sentence, *(f"{name} {problem}" for name, problem in fields.items())]))
        self.fields = fields


class Unavailable(ShopcallbacksError):
    """No answer that could be used, however often it was asked. Whether the call was carried out is not known: repeat
    it later with the same `idempotency_key`."""
