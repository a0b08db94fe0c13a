"""Recording: the attempts, what their messages did, and where each callback stands after it, in sets."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..callbacks.attempts import Attempt, KeptMessage, columns_of, kept_text, succeeded
from ..callbacks.callback import Callback
from ..domain.errors import TRIED_AGAIN, CallbackFailed, Conflict, Reason
from ..domain.states import BY_ITSELF, AttemptKind, Effect, State
from ..extensions import db
from ..logs import step
from ..release import RELEASE
from ..sets import insert_rows, update_rows
from .results import Result, Tried

# When a callback whose gateway can't be reached, or whose order is not there yet, is tried again by itself.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200))


@dataclass(frozen=True)
class Conclusion:
    """What came of a callback as a whole: `speaking`, the message that decides where it stands."""

    tried: Tried
    speaking: Result | None
    failure: CallbackFailed | None
    now: datetime

    @classmethod
    def of(cls, tried: Tried, now: datetime) -> Conclusion:
        results = tried.results
        speaking = next((result for result in results if result.failure), results[0] if results else None)
        return cls(tried, speaking, tried.finding.failure or (speaking.failure if speaking else None), now)

    @property
    def reason(self) -> Reason | None:
        return self.failure.reason if self.failure else None

    @property
    def conflict(self) -> Conflict | None:
        return self.failure.conflict if self.failure else None

    @property
    def succeeded(self) -> bool:
        return succeeded(self.tried.due.kind, self.reason, self.conflict)

    @property
    def effect(self) -> Effect | None:
        return self.speaking.effect if self.speaking and self.failure is None else None

    @property
    def detail(self) -> str:
        """Why it waits; of what has no effect, what the gateway's file says of that."""
        if self.failure is not None:
            return _clean(self.failure.detail)
        return _clean(self.speaking.message.detail) if self.speaking else ""

    @property
    def order_id(self) -> int | None:
        return self.speaking.order_id if self.speaking else None

    @property
    def order_number(self) -> str | None:
        return self.speaking.message.order_number if self.speaking else None

    @property
    def said(self) -> str:
        """Why a person's word did not fit; else the detail."""
        refused = next((result.refused for result in self.tried.results if result.refused), "")
        return _clean(refused) or self.detail


def record(tried: Sequence[Tried], now: datetime) -> None:
    """Writes down what came of them."""
    conclusions = sorted((Conclusion.of(one, now) for one in tried), key=lambda one: one.tried.due.id)
    insert_rows(db.session, Attempt, [_attempt(conclusion) for conclusion in conclusions])
    messages = [row for conclusion in conclusions for row in _messages(conclusion)]
    insert_rows(db.session, KeptMessage, messages, else_=_KEPT_ANEW)
    update_rows(db.session, Callback, [_standing(conclusion) for conclusion in conclusions])


def tell(tried: Sequence[Tried], now: datetime) -> None:
    """The same for the log, once it is committed."""
    for conclusion in (Conclusion.of(one, now) for one in tried):
        due, speaking, failure = conclusion.tried.due, conclusion.speaking, conclusion.failure
        step(
            "A callback was decided",
            callback=due.id,
            account=due.account_id,
            shop=due.shop_id,
            attempt=due.attempt_count + 1,
            kind=due.kind,
            order=speaking.order_id if speaking else None,
            state=State.processed if failure is None else State.unprocessed,
            reason=conclusion.reason,
            conflict=conclusion.conflict,
            effect=conclusion.effect,
        )


def _attempt(conclusion: Conclusion) -> dict[str, Any]:
    tried, due, finding = conclusion.tried, conclusion.tried.due, conclusion.tried.finding
    verification, speaking = finding.verification, conclusion.speaking
    by_itself = due.kind in BY_ITSELF
    return {
        "callback_id": due.id,
        "number": due.attempt_count + 1,
        "kind": due.kind,
        "asked_by_id": None if by_itself else due.by_id,
        "why": None if by_itself else due.why,
        "at": conclusion.now,
        "duration_us": 0 if tried.waited else int((time.perf_counter() - finding.started) * 1_000_000),
        "verdict": verification.verdict if verification else None,
        "verification": _clean(verification.detail) if verification else "",
        "secret": finding.case.label(verification.matched) if verification and finding.case else None,
        "diagnosis": finding.diagnosis.sentence if finding.diagnosis else None,
        "outcome": speaking.message.outcome if speaking else None,
        "effect": conclusion.effect,
        "reason": conclusion.reason,
        "conflict": conclusion.conflict,
        "detail": conclusion.said,
        "error": _clean(finding.error, 20_000) if finding.error else None,
    }


def _messages(conclusion: Conclusion) -> list[dict[str, Any]]:
    """Only of genuine or forced callbacks; what was applied before stays as it is."""
    due, finding = conclusion.tried.due, conclusion.tried.finding
    if finding.failure is not None:
        return []
    return [
        _message(due.id, due.account_id, place, result, conclusion.now)
        for place, result in enumerate(conclusion.tried.results)
        if result.tried
    ]


def _message(callback_id: int, account_id: int, place: int, result: Result, now: datetime) -> dict[str, Any]:
    failure = result.failure
    return {
        "callback_id": callback_id,
        "place": place,
        "account_id": account_id,
        **columns_of(result.message),
        "order_id": result.order_id,
        "effect": result.effect,
        "reason": failure.reason if failure else None,
        "conflict": failure.conflict if failure else None,
        "detail": _clean(failure.detail) if failure else "",
        "applied_at": now if failure is None else None,
    }


_KEPT_ANEW = "(callback_id, place) DO UPDATE SET " + ", ".join(
    f"{column.name} = EXCLUDED.{column.name}"
    for column in KeptMessage.__table__.c
    if column.name not in ("callback_id", "place", "account_id")
)


def _standing(conclusion: Conclusion) -> dict[str, Any]:
    """Where the callback stands now."""
    due, finding, failure, now = conclusion.tried.due, conclusion.tried.finding, conclusion.failure, conclusion.now
    verification = finding.verification
    tries = due.tries + (failure is not None and due.kind in BY_ITSELF and not conclusion.tried.waited)
    due_at = _next_try(conclusion, tries)
    return {
        "id": due.id,
        "state": State.processed if failure is None else State.unprocessed,
        "reason": conclusion.reason,
        "conflict": conclusion.conflict,
        "detail": conclusion.detail,
        "crashed_in": RELEASE if failure and failure.reason is Reason.crashed else None,
        "version": due.version + 1,
        "attempt_count": due.attempt_count + 1,
        "tries": tries,
        "settled_at": now if failure is None else None,
        "asks": _asks(conclusion),
        "due_at": due_at,
        "due_kind": AttemptKind.automatic if due_at else None,
        "leased_until": None,
        "asked_by_id": None,
        "asked_at": None,
        "asked_why": None,
        "asked_minor": None,
        "asked_transaction": None,
        "verdict": verification.verdict if verification else None,
        "effect": conclusion.effect,
        **_understood(conclusion),
    }


def _asks(conclusion: Conclusion) -> bool:
    """Whether an automatic attempt asks the gateway: not of one that was checked, which is decided as it was kept."""
    case, verification = conclusion.tried.finding.case, conclusion.tried.finding.verification
    checked = verification is not None and conclusion.tried.finding.failure is None
    return bool(case and case.asks and not checked)


def _next_try(conclusion: Conclusion, tries: int) -> datetime | None:
    """When it is tried again by itself. What names no order waits for a person at once."""
    failure, due = conclusion.failure, conclusion.tried.due
    if failure is None or failure.reason not in TRIED_AGAIN or failure.conflict is not None:
        return None
    if due.kind is AttemptKind.forced or conclusion.tried.waited or tries > len(BACK_OFF):
        return None
    return conclusion.now + BACK_OFF[max(tries, 1) - 1] * random.uniform(0.9, 1.2)


def _understood(conclusion: Conclusion) -> dict[str, Any]:
    """What the callback says, verified or not; nothing of it changes where nothing could be read."""
    result, verification = conclusion.speaking, conclusion.tried.finding.verification
    message = result.message if result else None
    money = message.money if message else None
    return {
        "outcome": message.outcome if message else None,
        "order_number": message.order_number if message else None,
        "order_id": result.order_id if result else None,
        "transaction_id": message.transaction_id if message else None,
        "event_id": message.event_id if message else None,
        "amount_minor": money.minor if money else None,
        "currency": money.currency if money else None,
        "test": message.test if message else None,
        "customer": message.customer if message else None,
        "delivery_id": kept_text(verification.delivery_id) if verification else None,
        "repeats_id": result.repeats_id if result else None,
    }


def _clean(text: str, longest: int = 500) -> str:
    """What PostgreSQL can hold as text, and a screen can show."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")[:longest]
