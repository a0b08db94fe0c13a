"""Why did verification fail? Tries, without accepting, what commonly goes wrong, and says what would have passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..domain.errors import Conflict
from ..domain.values import Request, Verdict, Verification
from ..gateways.base import Gateway, Settings


@dataclass(frozen=True)
class Others:
    """Settings with other secrets than those that were live. `secret_id`: the one, where it is one of the account."""

    label: str
    settings: dict[str, Any]
    conflict: Conflict
    secret_id: int | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What would have passed, as "would have passed with ...", and so what is to be put right."""

    sentence: str
    conflict: Conflict
    secret_id: int | None = None


def explain(
    gateway: Gateway, request: Request, settings: Settings, verification: Verification, others: Sequence[Others]
) -> Diagnosis | None:
    """None where nothing fits (or only the gateway itself could tell)."""
    if verification.mistimed:
        return Diagnosis(verification.detail, Conflict.mistimed)
    for other in others:
        if _passes(gateway, request, other.settings):
            return Diagnosis(f"would have passed with {other.label}", other.conflict, other.secret_id)
    for label, changed in _rewritten(request):
        if _passes(gateway, changed, settings):
            sentence = f"would have passed {label}: something between the gateway and us changes the body"
            return Diagnosis(sentence, Conflict.rewritten)
    return None


def _passes(gateway: Gateway, request: Request, settings: Settings) -> bool:
    try:
        verification = gateway.verify(request, settings)
    except Exception:  # settings made up for a guess may not fit the gateway
        return False
    return isinstance(verification, Verification) and verification.verdict is Verdict.genuine


def _rewritten(request: Request) -> Iterator[tuple[str, Request]]:
    """The body as it may have been before a proxy, a framework or a mail filter touched it."""
    body = request.body
    guesses = {
        "without the line end at its end": body.rstrip(b"\r\n"),
        "with a line end at its end": body + b"\n",
        "with line ends of one byte": body.replace(b"\r\n", b"\n"),
        "with line ends of two bytes": body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        "without a byte order mark": body.removeprefix(b"\xef\xbb\xbf"),
    }
    try:
        guesses["in ISO-8859-1"] = body.decode("utf-8").encode("latin-1")
    except UnicodeError:
        guesses["in UTF-8"] = body.decode("latin-1").encode("utf-8")
    for label, guess in guesses.items():
        if guess != body:
            yield label, replace(request, body=guess)
