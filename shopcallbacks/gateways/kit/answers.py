"""Asking, and what gateways answer."""

from __future__ import annotations

import base64
from typing import Any

from ...domain.values import Answer, NoAnswer, Verification
from .errors import ReadError
from .json import read_object
from .signatures import as_bytes


def basic(user: Any, password: Any) -> tuple[str, str]:
    """The header of Basic authentication."""
    return "Authorization", f"Basic {base64.b64encode(as_bytes(f'{user}:{password}')).decode()}"


def unreachable(who: str, answer: Answer | NoAnswer, but: str = "") -> Verification:
    """Neither yes nor no: what came instead. `but`: what is wrong with an answer that looks well."""
    if isinstance(answer, NoAnswer):
        return Verification.unreachable(f"{who} could not be asked: {answer.why}.")
    return Verification.unreachable(f"{who} answered {answer.status}{but and f', but {but}'}.")


def read_answer(who: str, answer: Answer | NoAnswer) -> dict[str, Any] | Verification:
    """The JSON object of an answer with status 200; everything else is unreachable."""
    if isinstance(answer, NoAnswer) or answer.status != 200:
        return unreachable(who, answer)
    try:
        return read_object(answer.body)
    except ReadError as error:
        return unreachable(who, answer, str(error))
