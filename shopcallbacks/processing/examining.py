"""Verify and interpret: what one run over a callback finds out before any order is looked at."""

from __future__ import annotations

import secrets
import time
import traceback
from dataclasses import dataclass, replace

from ..domain.errors import CallbackFailed, Reason
from ..domain.values import Answer, Ask, Message, NoAnswer, Outcome, Verdict, Verification
from .case import Case
from .verifying import Asker, verify


@dataclass
class Finding:
    """What one run over a callback found out before any order was looked at."""

    case: Case
    started: float
    verification: Verification | None = None
    messages: tuple[Message, ...] = ()
    diagnosis: str | None = None
    failure: CallbackFailed | None = None
    error: str | None = None


def examine(case: Case, ask: Asker) -> Finding:
    """Verify and interpret: values in, values out; safe to run in a thread. Never raises."""
    finding = Finding(case, time.perf_counter())
    try:
        if case.closed:
            raise CallbackFailed(Reason.account_disabled, case.closed)
        _verify(finding, ask)
        _interpret(finding)
    except CallbackFailed as failure:
        finding.failure = failure
    except Exception:
        finding.failure, finding.error = crashed()
    return finding


def _verify(finding: Finding, ask: Asker) -> None:
    case = finding.case
    if case.forced:
        finding.verification = Verification.skipped()
        return
    finding.verification = verify(case.gateway, case.request, case.settings, ask)


def _interpret(finding: Finding) -> None:
    """What it says; of one that isn't genuine too, to show what it claims."""
    case, verification = finding.case, finding.verification
    assert verification is not None
    messages = case.gateway.interpret(case.request, case.settings, verification.evidence)
    if not messages:  # a genuine batch of none
        messages = (Message(Outcome.ignored),)
    # Where the callback doesn't say whether it is a test, the account's mode does.
    finding.messages = tuple(m if m.test is not None else replace(m, test=case.test) for m in messages)
    if verification.verdict is Verdict.unreachable:
        raise CallbackFailed(Reason.gateway_unreachable, verification.detail)
    if verification.verdict is Verdict.not_genuine:
        reason = Reason.unreadable if verification.unreadable else Reason.not_genuine
        raise CallbackFailed(reason, verification.detail)


def crashed() -> tuple[CallbackFailed, str]:
    """Of the exception in hand: a reason with an id to tell the admins, and what they find under it."""
    error_id = secrets.token_hex(2)
    return CallbackFailed(Reason.crashed, f"error {error_id}"), f"{error_id}\n{traceback.format_exc()}"


def diagnose(finding: Finding) -> None:
    """Of one that isn't genuine: what would have made it pass. Reads other secrets, so not for threads."""
    if finding.failure is not None and finding.failure.reason is Reason.not_genuine:
        finding.diagnosis = finding.case.explain()
        if finding.diagnosis:
            finding.failure = CallbackFailed(Reason.not_genuine, finding.diagnosis)


def nobody(question: Ask) -> Answer | NoAnswer:
    """Who is asked where nobody may be asked."""
    return NoAnswer("not asked")
