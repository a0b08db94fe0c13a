"""One request, read by the settings of an account line by line: what a callback with these bytes would say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ..domain.values import Ask, Message, NoAnswer, Outcome, Request, Verdict, Verification
from ..gateways.base import Found, Gateway, Kind, Settings, Signing
from ..shops.accounts import Reading
from .verifying import verify

SHOWN = 400  # characters of what was signed


@dataclass(frozen=True)
class Line:
    """What was found of one thing. `good` None: neither right nor wrong; `more`: each a name and what it is."""

    label: str
    words: str
    good: bool | None = None
    more: tuple[tuple[str, str], ...] = ()


def tried(gateway: Gateway, settings: Settings, candidates: Sequence[Request], reading: Reading | None) -> list[Line]:
    """The lines. Of the candidates, which differ in what pasting may have changed, the first counts that is genuine."""
    checked = [(request, _check(gateway, request, settings)) for request in candidates]
    request, verification = next((one for one in checked if _fits(one[1])), checked[0])
    lines = [_request(request), *_signature(gateway, request, settings, verification)]
    messages = gateway.interpret(request, settings, verification.evidence)
    found = gateway.found(request, settings)
    for message in messages:
        read = reading.read(message, request) if reading else message
        lines += _message(read, message.order_number, found)
    return lines


def _check(gateway: Gateway, request: Request, settings: Settings) -> Verification:
    return verify(gateway, request, settings, _nobody)


def _nobody(question: Ask) -> NoAnswer:
    return NoAnswer("nobody is asked about a request that was pasted")


def _fits(verification: Verification) -> bool:
    """Signed right, be it long ago."""
    return verification.verdict is Verdict.genuine or verification.mistimed


def _request(request: Request) -> Line:
    names = ", ".join(name for name, _ in request.headers) or "none"
    what = f"{request.method} {request.path}, headers: {names}; a body of {len(request.body):,} bytes"
    return Line("Request", what)


def _signature(gateway: Gateway, request: Request, settings: Settings, verification: Verification) -> Iterator[Line]:
    signing = gateway.signing(request, settings)
    if _fits(verification):
        yield Line("Signature", "It fits.", True, _signed(signing))
    else:
        more = _signed(signing) + _compared(signing) + tuple(_hints(gateway, request, settings))
        yield Line("Signature", verification.detail, False, more)
    if verification.mistimed:
        detail = verification.detail.removeprefix("The signature fits, but its time is ")
        yield Line(
            "Time", f"Signed {detail} Right for a copy of an earlier request; a new one would be refused so late."
        )


def _signed(signing: Signing | None) -> tuple[tuple[str, str], ...]:
    if signing is None:
        return ()
    text = signing.signed.decode("utf-8", "backslashreplace")
    cut = f"{text[:SHOWN]}..." if len(text) > SHOWN else text
    return ((f"What was signed, {len(signing.signed):,} bytes", cut),)


def _compared(signing: Signing | None) -> tuple[tuple[str, str], ...]:
    """The given and the computed signature that are most alike, and where they part. Never a secret."""
    if signing is None or not signing.given or not signing.computed:
        return ()
    given, computed = max(product(signing.given, signing.computed), key=lambda pair: _alike(*pair))
    return (("Given", given), ("Computed", computed), ("First difference", _difference(given, computed)))


def _alike(one: str, other: str) -> int:
    """How many characters are the same from the start."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _difference(given: str, computed: str) -> str:
    at = _alike(given, computed)
    if at == len(given) == len(computed):
        return "none: they are the same"
    parts = [f"character {at + 1}: {repr(text[at]) if at < len(text) else 'nothing'}" for text in (given, computed)]
    lengths = "" if len(given) == len(computed) else f"; {len(given)} characters are given, {len(computed)} computed"
    return f"{parts[0]} is given, {parts[1].partition(': ')[2]} computed{lengths}"


def _hints(gateway: Gateway, request: Request, settings: Settings) -> Iterator[tuple[str, str]]:
    """Each single choice of the settings with which it would fit."""
    for setting in gateway.settings:
        table = settings[setting.key] or {}
        for entry in setting.entries:
            others = entry.choices if entry.kind is Kind.choice else entry.offers
            for other in others:
                changed = {**settings, setting.key: {**table, entry.key: other}}
                if _fits(_check(gateway, request, changed)):
                    yield "It would fit with", f"{entry.label}: {other}"


def _message(message: Message, sent: str | None, found: Mapping[str, Found]) -> Iterator[Line]:
    if message.unreadable:
        yield Line("Body", message.detail, False)
        return
    number = message.order_number
    if number is not None and number != sent:
        yield Line("Order number", f"{number}, out of {sent}", True)
    else:
        yield _text("Order number", number, found.get("order_number"))
    yield _sum(message, found)
    yield _outcome(message, found)
    for label, name, text in (
        ("Transaction", "transaction_id", message.transaction_id),
        ("Event", "event_id", message.event_id),
    ):
        yield Line(label, text) if text else _text(label, text, found.get(name), needed=False)
    yield Line(
        "Live or test", {True: "test", False: "live", None: "It does not say: the account's mode counts."}[message.test]
    )


def _text(label: str, text: str | None, found: Found | None, needed: bool = True) -> Line:
    if text is not None:
        return Line(label, text, True if needed else None)
    where = f"Nothing that can be read stands at {found.place}." if found else "No setting says where it stands."
    return Line(label, where, False if needed or found else None)


def _sum(message: Message, found: Mapping[str, Found]) -> Line:
    if message.money is not None:
        return Line("Sum", str(message.money), True)
    stands = [(name, found.get(name)) for name in ("amount", "currency")]
    said: list[tuple[str, Any]] = [
        (name.capitalize(), f"{one.text!r} at {one.place}" if one and one.text is not None else _nothing(one))
        for name, one in stands
    ]
    return Line("Sum", "It can't be read.", False, tuple(said))


def _nothing(found: Found | None) -> str:
    return f"nothing at {found.place}" if found else "no setting says where it stands"


def _outcome(message: Message, found: Mapping[str, Found]) -> Line:
    status = found.get("status")
    word = f"{status.text} means " if status and status.text else ""
    outcome = str(message.outcome).replace("_", " ")
    if message.outcome is Outcome.unclear:
        return Line("Outcome", f"{word}{outcome}. {message.detail}", False)
    return Line("Outcome", f"{word}{outcome}", True)
