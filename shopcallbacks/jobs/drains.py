"""Drains: one batch of what is due in a lane of callbacks."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import current_app

from ..bulk.runs import BulkRun
from ..callbacks.callback import Callback
from ..domain.states import Lane
from ..domain.values import NoAnswer
from ..extensions import bell, db, ring, ring_bulk
from ..processing import pipeline
from ..processing.asking import AskGateways
from ..processing.case import Case
from ..processing.examining import Finding, examine
from .at_once import AT_ONCE, LEASE_S, at_once

log = logging.getLogger(__name__)
BATCH = 100
PER_ACCOUNT = 8


def drain(asks: bool) -> int:
    """One batch of what is due in the lane; rings again where there may be more. How many callbacks it took."""
    lane = Lane.for_callbacks(asks)
    with current_app.app_context():
        bell().answer(lane)
        taken = _drain_asking() if lane is Lane.asking else _drain_plain()
        if taken:
            ring(lane)
            if BulkRun.any_open():  # their outcomes may be among them
                ring_bulk()
            db.session.rollback()
        return taken


def _drain_plain() -> int:
    taken = pipeline.process(BATCH)
    db.session.commit()
    return taken


def _drain_asking() -> int:
    """Leased, asked several at once without any transaction, and applied one by one as the answers come.

    The lease is short and renewed while we live, so that the callbacks of a killed worker are soon anybody's.
    """
    cases = [Case.of(callback) for callback in Callback.lease(AT_ONCE, PER_ACCOUNT, LEASE_S)]
    db.session.commit()
    ask: AskGateways = current_app.extensions["ask"]
    at_once(cases, lambda case: examine(case, ask), lambda _, finding: settle(finding), _keep_cases)
    return len(cases)


def _keep_cases(cases: Iterable[Case]) -> None:
    Callback.renew_lease([case.callback_id for case in cases], LEASE_S)


def settle(finding: Finding) -> None:
    """Applies what was found while nobody held the callback; drops it where the callback has moved on meanwhile."""
    callback = Callback.lock(finding.case.callback_id)
    if callback.version != finding.case.version or callback.due_at is None:
        db.session.rollback()
        return
    pipeline.apply([(callback, finding)])
    db.session.commit()
    if finding.failure is None:
        _acknowledge(finding)


def _acknowledge(finding: Finding) -> None:
    """Tells a gateway that wants it that the result is stored. If that fails the gateway calls again."""
    case = finding.case
    question = case.gateway.acknowledge(case.request, case.settings, finding.messages)
    if question is not None:
        answer = current_app.extensions["ask"](question)
        if isinstance(answer, NoAnswer):
            log.warning("%s could not be told: %s", case.gateway.title, answer.why)
