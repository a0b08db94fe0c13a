"""Why did verification fail? Tries, without accepting, what commonly goes wrong, and says what would have passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..domain.values import Request, Verdict, Verification
from ..gateways.base import Gateway, Settings


def explain(
    gateway: Gateway, request: Request, settings: Settings, others: Sequence[tuple[str, dict[str, Any]]]
) -> str | None:
    """ "Would have passed with ...", or None where nothing fits (or only the gateway itself could tell)."""
    for label, other in others:
        if _passes(gateway, request, other):
            return f"would have passed with {label}"
    for label, changed in _rewritten(request):
        if _passes(gateway, changed, settings):
            return f"would have passed {label}: something between the gateway and us changes the body"
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
