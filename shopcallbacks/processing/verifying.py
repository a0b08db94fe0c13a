"""Drives a gateway's verification: pure ones at once, asking ones question by question. No database, no clock."""

from __future__ import annotations

from collections.abc import Callable

from ..domain.values import Answer, Ask, NoAnswer, Request, Verification
from ..gateways.base import Gateway, Settings

Asker = Callable[[Ask], Answer | NoAnswer]


def verify(gateway: Gateway, request: Request, settings: Settings, ask: Asker) -> Verification:
    """The gateway's verdict on the request; `ask` is called for each question it has."""
    verifying = gateway.verify(request, settings)
    if isinstance(verifying, Verification):
        return verifying
    try:
        question = next(verifying)
        while True:
            question = verifying.send(ask(question))
    except StopIteration as end:
        verification: Verification = end.value
        return verification
