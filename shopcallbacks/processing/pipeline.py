"""THE STORY: claim what is due, verify it, interpret it, apply it to orders, record what happened.

Nothing here commits: a job (or a preview, which changes nothing) decides when. A gateway is asked through the `ask`
that is handed in, and always before any order is locked.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..callbacks.callback import Callback
from ..domain.states import AttemptKind
from ..extensions import db
from ..orders.feed import publish
from .case import Case
from .deciding import Desk, Found, Result
from .examining import Finding, crashed, diagnose, examine, nobody
from .recording import record
from .verifying import Asker


def process(limit: int = 100) -> int:
    """One batch of those for which nobody is asked: claimed, decided and applied in one transaction. How many."""
    callbacks = Callback.claim(limit)
    apply([(callback, examine(Case.of(callback), nobody)) for callback in callbacks])
    return len(callbacks)


def apply(found: Found) -> None:
    """Applies the findings to orders and records the attempts; one by one where one of them can't be stored."""
    if not found:
        return
    for _, finding in found:
        if finding.diagnosis is None:
            diagnose(finding)
    try:
        with db.session.begin_nested():
            _apply(found)
    except Exception:
        if len(found) == 1:
            callback, finding = found[0]
            finding.failure, finding.error = crashed()
            finding.messages = ()
            with db.session.begin_nested():
                record(callback, finding, [])
            return
        for one in found:
            apply([one])


def _apply(found: Found) -> None:
    desk = Desk.prepare(found)
    for callback, finding in sorted(found, key=lambda one: (one[0].received_at, one[0].id)):
        record(callback, finding, desk.results(callback, finding))
    publish()


def foresee(callback: Callback, kind: AttemptKind, ask: Asker = nobody) -> tuple[Finding, list[Result]]:
    """What an attempt of that kind would do, by the code that would do it. Changes nothing."""
    (foreseen,), _ = rehearse([callback], kind, ask)
    return foreseen


def rehearse(
    callbacks: Sequence[Callback], kind: AttemptKind, ask: Asker = nobody, before: Desk | None = None
) -> tuple[list[tuple[Finding, list[Result]]], Desk]:
    """The same for a batch, one after the other in this order, and the desk to go on from with the next batch."""
    found = [(callback, examine(Case.of(callback, kind), ask)) for callback in callbacks]
    for _, finding in found:
        diagnose(finding)
    with db.session.no_autoflush:
        desk = Desk.rehearse(found, before)
        return [(finding, desk.results(callback, finding)) for callback, finding in found], desk
