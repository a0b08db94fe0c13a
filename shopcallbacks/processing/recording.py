"""Recording: the attempt, what its messages did, and where the callback stands after it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import timedelta

from ..callbacks.attempts import Attempt, KeptMessage
from ..callbacks.callback import Callback
from ..domain.errors import Reason
from ..domain.states import BY_ITSELF, AttemptKind, State
from ..extensions import db, utcnow
from .deciding import Result
from .examining import Finding

# When a callback whose gateway can't be reached, or whose order is not there yet, is tried again by itself.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200))
TRIED_AGAIN = (Reason.gateway_unreachable, Reason.order_not_found)


def record(callback: Callback, finding: Finding, results: Sequence[Result]) -> None:
    """The attempt, what its messages did, and where the callback stands now."""
    now = utcnow()
    kind = callback.due_kind or AttemptKind.automatic
    speaking = next((result for result in results if result.failure is not None), results[0] if results else None)
    failure = finding.failure or (speaking.failure if speaking else None)
    verification = finding.verification
    callback.attempt_count += 1
    effect = speaking.effect if speaking and failure is None else None
    db.session.add(
        Attempt(
            callback_id=callback.id,
            number=callback.attempt_count,
            kind=kind,
            asked_by_id=callback.asked_by_id if kind not in BY_ITSELF else None,
            why=callback.asked_why if kind not in BY_ITSELF else None,
            at=now,
            duration_us=int((time.perf_counter() - finding.started) * 1_000_000),
            verdict=verification.verdict if verification else None,
            verification=_clean(verification.detail) if verification else "",
            secret=finding.case.label(verification.matched) if verification else None,
            diagnosis=finding.diagnosis,
            outcome=speaking.message.outcome if speaking else None,
            effect=effect,
            reason=failure.reason if failure else None,
            detail=_clean(failure.detail) if failure else "",
            error=finding.error,
        )
    )
    if finding.failure is None:
        _keep_messages(callback, results)
    if speaking is not None:
        _understand(callback, speaking)
    callback.verdict = verification.verdict if verification else None
    callback.delivery_id = verification.delivery_id if verification else None
    callback.effect = effect
    callback.version += 1
    callback.due_at = callback.due_kind = callback.leased_until = None
    callback.asked_by_id = callback.asked_at = callback.asked_why = None
    if failure is None:
        callback.state, callback.reason, callback.detail, callback.settled_at = State.processed, None, "", now
        return
    callback.state, callback.reason, callback.detail = State.unprocessed, failure.reason, _clean(failure.detail)
    if kind in BY_ITSELF:
        callback.tries += 1
    if failure.reason in TRIED_AGAIN and callback.tries <= len(BACK_OFF) and kind is not AttemptKind.forced:
        wait = BACK_OFF[max(callback.tries, 1) - 1]
        callback.due_at, callback.due_kind = now + wait * random.uniform(0.9, 1.2), AttemptKind.automatic
        callback.asks = finding.case.asks


def _keep_messages(callback: Callback, results: Sequence[Result]) -> None:
    kept = {message.place: message for message in callback.messages}
    for place, result in enumerate(results):
        message = kept.get(place)
        if message is not None and message.applied_at is not None:
            continue
        if message is None:
            message = KeptMessage(callback_id=callback.id, place=place, account_id=callback.account_id)
            callback.messages.append(message)
        said, failure = result.message, result.failure
        message.outcome = said.outcome
        message.order_number, message.order_id = _short(said.order_number), result.order_id
        message.transaction_id, message.event_id = _short(said.transaction_id), _short(said.event_id)
        message.amount_minor = said.money.minor if said.money else None
        message.currency = said.money.currency if said.money else None
        message.effect = result.effect
        message.reason = failure.reason if failure else None
        message.detail = _clean(failure.detail) if failure else ""
        message.applied_at = utcnow() if failure is None else None


def _understand(callback: Callback, result: Result) -> None:
    message = result.message
    callback.outcome = message.outcome
    callback.order_number = _short(message.order_number)
    callback.order_id = result.order_id
    callback.transaction_id = _short(message.transaction_id)
    callback.event_id = _short(message.event_id)
    callback.amount_minor = message.money.minor if message.money else None
    callback.currency = message.money.currency if message.money else None
    callback.test = message.test
    callback.customer = _short(message.customer)
    callback.repeats_id = result.repeats_id


def _clean(text: str) -> str:
    """What PostgreSQL can hold as text, and a screen can show."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")[:500]


def _short(text: str | None) -> str | None:
    """Texts go into indexes, which hold 2,700 bytes at most."""
    return _clean(text) if text is not None else None
