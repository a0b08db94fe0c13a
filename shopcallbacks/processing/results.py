"""What came of callbacks and their messages, while they are decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from ..callbacks.attempts import said
from ..callbacks.due import Due
from ..domain.errors import CallbackFailed
from ..domain.states import AttemptKind, Effect
from ..domain.values import Message, Verification
from .examining import Finding


@dataclass(eq=False)
class Result:
    """What came of one message: an effect, or the reason why there is none.

    `before`: the reason for which it waited already. `refused`: why a person's word did not fit.
    """

    message: Message
    order_id: int | None = None
    effect: Effect | None = None
    failure: CallbackFailed | None = None
    before: CallbackFailed | None = None
    refused: str = ""
    repeats_id: int | None = None
    tried: bool = False

    @property
    def waits(self) -> bool:
        return self.failure is not None


@dataclass(eq=False)
class Tried:
    """One callback on the desk. `waited`: it is here because it waits on an order of the batch.

    `ours`: it may be decided; else another has it, and it is only looked at. `passed_over`: it was of the batch.
    """

    finding: Finding
    results: list[Result] = field(default_factory=list)
    waited: bool = False
    ours: bool = True
    passed_over: bool = False

    @property
    def due(self) -> Due:
        return self.finding.due

    @property
    def arrived(self) -> tuple[datetime, int]:
        return self.due.received_at, self.due.id

    @property
    def failure(self) -> CallbackFailed | None:
        """Why it is not processed, or not to its end."""
        return self.finding.failure or next((result.failure for result in self.results if result.failure), None)

    @property
    def did_something(self) -> bool:
        return any(result.effect is not None and result.tried and not result.refused for result in self.results)

    @property
    def in_vain(self) -> bool:
        return self.failure is not None and not self.did_something

    @property
    def moved(self) -> bool:
        """Whether anything is to be recorded of it: of one that only waited, where its standing is another now."""
        return not self.waited or any(result.tried and not _same(result) for result in self.results)

    def pass_over(self) -> None:
        """As if nobody had tried it: what it was found to say before only waits, and is looked at as that is."""
        self.passed_over = self.waited = True
        self.finding.due = replace(self.due, kind=AttemptKind.automatic, by_id=None, by="", why=None)
        for result in self.results:
            result.tried = result.tried and result.before is not None


def _same(result: Result) -> bool:
    one, two = result.before, result.failure
    if one is None or two is None:
        return False
    return (one.reason, one.conflict, one.detail) == (two.reason, two.conflict, two.detail)


def begun(finding: Finding) -> Tried:
    """A callback of the batch. A retry repeats only what is not applied, and what waits does so until it is decided."""
    results = []
    for place, message in enumerate(finding.messages):
        kept = _kept(finding, place)
        if kept is not None and kept.applied_at is not None and _means_the_same(said(kept), message):
            results.append(Result(message, kept.order_id, kept.effect))
        else:
            results.append(Result(message))
    if finding.failure is None or (finding.case is not None and finding.case.as_kept):
        for place, result in enumerate(results):
            kept = _kept(finding, place)
            if kept is not None and kept.reason is not None:
                result.failure = result.before = CallbackFailed(kept.reason, kept.detail, kept.conflict)
    return Tried(finding, results)


def _means_the_same(one: Message, two: Message) -> bool:
    """A gateway that tells all of a payment tells more of it when it is asked again, perhaps in between."""
    return _meaning(one) == _meaning(two)


def _meaning(message: Message) -> tuple[object, ...]:
    return message.outcome, message.transaction_id, message.movement, message.money, message.total


def _kept(finding: Finding, place: int) -> Row[Any] | None:
    return finding.due.kept.get(place) if finding.due.kept else None


def still_waiting(due: Due, ours: bool) -> Tried:
    """A callback that waits, with its messages as they were kept."""
    checked = "It was checked before."
    verification = Verification(due.verdict, checked, delivery_id=due.delivery_id) if due.verdict else None
    finding = Finding(due, 0.0, None, verification, tuple(said(due.kept[place]) for place in sorted(due.kept)))
    results = []
    for place in sorted(due.kept):
        row = due.kept[place]
        failure = CallbackFailed(row.reason, row.detail, row.conflict) if row.reason else None
        effect = row.effect if failure is None else None
        results.append(Result(said(row), row.order_id, effect, failure, failure))
    return Tried(finding, results, waited=True, ours=ours)
