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
class Outcome:
    """What came of a callback as a whole: `speaking`, the message that decides where it stands."""

    tried: Tried
    speaking: Result | None
    failure: CallbackFailed | None
    now: datetime

    @classmethod
    def of(cls, tried: Tried, now: datetime) -> Outcome:
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
    outcomes = sorted((Outcome.of(one, now) for one in tried), key=lambda outcome: outcome.tried.due.id)
    insert_rows(db.session, Attempt, [_attempt(outcome) for outcome in outcomes])
    messages = [row for outcome in outcomes for row in _messages(outcome)]
    insert_rows(db.session, KeptMessage, messages, else_=_KEPT_ANEW)
    update_rows(db.session, Callback, [_standing(outcome) for outcome in outcomes])


def tell(tried: Sequence[Tried], now: datetime) -> None:
    """The same for the log, once it is committed."""
    for outcome in (Outcome.of(one, now) for one in tried):
        due, speaking, failure = outcome.tried.due, outcome.speaking, outcome.failure
        step(
            "A callback was decided",
            callback=due.id,
            account=due.account_id,
            shop=due.shop_id,
            attempt=due.attempt_count + 1,
            kind=due.kind,
            order=speaking.order_id if speaking else None,
            state=State.processed if failure is None else State.unprocessed,
            reason=outcome.reason,
            conflict=outcome.conflict,
            effect=outcome.effect,
        )


def _attempt(outcome: Outcome) -> dict[str, Any]:
    tried, due, finding = outcome.tried, outcome.tried.due, outcome.tried.finding
    verification, speaking = finding.verification, outcome.speaking
    by_itself = due.kind in BY_ITSELF
    return {
        "callback_id": due.id,
        "number": due.attempt_count + 1,
        "kind": due.kind,
        "asked_by_id": None if by_itself else due.by_id,
        "why": None if by_itself else due.why,
        "at": outcome.now,
        "duration_us": 0 if tried.waited else int((time.perf_counter() - finding.started) * 1_000_000),
        "verdict": verification.verdict if verification else None,
        "verification": _clean(verification.detail) if verification else "",
        "secret": finding.case.label(verification.matched) if verification and finding.case else None,
        "diagnosis": finding.diagnosis.sentence if finding.diagnosis else None,
        "outcome": speaking.message.outcome if speaking else None,
        "effect": outcome.effect,
        "reason": outcome.reason,
        "conflict": outcome.conflict,
        "detail": outcome.said,
        "error": _clean(finding.error, 20_000) if finding.error else None,
    }


def _messages(outcome: Outcome) -> list[dict[str, Any]]:
    """Only of genuine or forced callbacks; what was applied before stays as it is."""
    due, finding = outcome.tried.due, outcome.tried.finding
    if finding.failure is not None:
        return []
    return [
        _message(due.id, due.account_id, place, result, outcome.now)
        for place, result in enumerate(outcome.tried.results)
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


def _standing(outcome: Outcome) -> dict[str, Any]:
    """Where the callback stands now."""
    due, finding, failure, now = outcome.tried.due, outcome.tried.finding, outcome.failure, outcome.now
    verification = finding.verification
    tries = due.tries + (failure is not None and due.kind in BY_ITSELF and not outcome.tried.waited)
    due_at = _next_try(outcome, tries)
    return {
        "id": due.id,
        "state": State.processed if failure is None else State.unprocessed,
        "reason": outcome.reason,
        "conflict": outcome.conflict,
        "detail": outcome.detail,
        "crashed_in": RELEASE if failure and failure.reason is Reason.crashed else None,
        "version": due.version + 1,
        "attempt_count": due.attempt_count + 1,
        "tries": tries,
        "settled_at": now if failure is None else None,
        "asks": _asks(outcome),
        "due_at": due_at,
        "due_kind": AttemptKind.automatic if due_at else None,
        "leased_until": None,
        "asked_by_id": None,
        "asked_at": None,
        "asked_why": None,
        "asked_minor": None,
        "asked_transaction": None,
        "verdict": verification.verdict if verification else None,
        "effect": outcome.effect,
        **_understood(outcome),
    }


def _asks(outcome: Outcome) -> bool:
    """Whether an automatic attempt asks the gateway: not of one that was checked, which is decided as it was kept."""
    case, verification = outcome.tried.finding.case, outcome.tried.finding.verification
    checked = verification is not None and outcome.tried.finding.failure is None
    return bool(case and case.asks and not checked)


def _next_try(outcome: Outcome, tries: int) -> datetime | None:
    """When it is tried again by itself. What names no order waits for a person at once."""
    failure, due = outcome.failure, outcome.tried.due
    if failure is None or failure.reason not in TRIED_AGAIN or failure.conflict is not None:
        return None
    if due.kind is AttemptKind.forced or outcome.tried.waited or tries > len(BACK_OFF):
        return None
    return outcome.now + BACK_OFF[max(tries, 1) - 1] * random.uniform(0.9, 1.2)


def _understood(outcome: Outcome) -> dict[str, Any]:
    """What the callback says, verified or not; nothing of it changes where nothing could be read."""
    result, verification = outcome.speaking, outcome.tried.finding.verification
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
