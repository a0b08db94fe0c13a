"""Verify and interpret: what one run over a callback finds out before any order is looked at.

Whatever goes wrong in it costs this callback and no other: `guarded` makes of it why it is `crashed`; but for what goes
wrong in the database, which is raised.
"""

from __future__ import annotations

import ctypes
import secrets
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from ..callbacks.attempts import as_kept, said
from ..callbacks.due import Due
from ..domain.errors import CallbackFailed, Reason
from ..domain.values import Answer, Ask, Message, NoAnswer, Outcome, Verdict, Verification
from ..logs import told
from .case import Accounts, Case
from .diagnosis import Diagnosis, explain
from .verifying import Asker

# So much processor time one callback may take to be examined; the slowest honest one takes a few hundred ms. Well below
# what a transaction may stand still for (`must_not_stand_still`): else one that takes too long would never be known.
MOST_CPU_S = 2.0


@dataclass
class Finding:
    """What one run over a callback found out before any order was looked at. `case` None: it could not even be made."""

    due: Due
    started: float
    case: Case | None = None
    verification: Verification | None = None
    messages: tuple[Message, ...] = ()
    diagnosis: Diagnosis | None = None
    failure: CallbackFailed | None = None
    error: str | None = None


def examine(due: Due, accounts: Accounts, ask: Asker) -> Finding:
    """Verify and interpret, asking at once where the gateway must be asked. Raises only what the database refuses."""
    examining = Examining(due, accounts)
    question = examining.begin()
    while question is not None:
        question = examining.hear(ask(question))
    return examining.finding


class Examining:
    """One run over a callback, question by question, so that who asks may do something else meanwhile."""

    def __init__(self, due: Due, accounts: Accounts) -> None:
        self.finding = Finding(due, time.perf_counter())
        self._accounts = accounts
        self._asking: Generator[Ask, Answer | NoAnswer, Verification] | None = None

    def begin(self) -> Ask | None:
        """The first question to the gateway; None where there is none, and all is found out."""
        with guarded(self.finding):
            case = self.finding.case = self._accounts.case(self.finding.due)
            if case.closed:
                raise CallbackFailed(Reason.account_disabled, case.closed)
            if case.as_kept:
                _take_as_kept(self.finding)
                return None
            if self.finding.due.request is None:
                raise CallbackFailed(Reason.crashed, f"its request is kept in {self.finding.due.month.archive}")
            if case.forced:
                self._verified(Verification.skipped())
                return None
            verifying = case.gateway.verify(self.finding.due.request, case.settings)
            if isinstance(verifying, Verification):
                self._verified(verifying)
                return None
            self._asking = verifying
            return self._go_on(None)
        return None

    def hear(self, answer: Answer | NoAnswer) -> Ask | None:
        """The next question; None where all is found out."""
        with guarded(self.finding):
            return self._go_on(answer)
        return None

    def _go_on(self, answer: Answer | NoAnswer | None) -> Ask | None:
        assert self._asking is not None
        try:
            return next(self._asking) if answer is None else self._asking.send(answer)
        except StopIteration as end:
            self._verified(end.value)
            return None

    def _verified(self, verification: Verification) -> None:
        self.finding.verification = verification
        try:
            _interpret(self.finding)
        except CallbackFailed as failure:
            if failure.reason is Reason.not_genuine:
                failure = self._diagnosed(failure)
            raise failure from None

    def _diagnosed(self, failure: CallbackFailed) -> CallbackFailed:
        """What would have made it pass, where that is known."""
        case, due = self.finding.case, self.finding.due
        assert case is not None
        verification = self.finding.verification
        assert due.request is not None
        assert verification is not None
        found = explain(case.gateway, due.request, case.settings, verification, self._accounts.others(due))
        self.finding.diagnosis = found
        return CallbackFailed(Reason.not_genuine, found.sentence, found.conflict) if found else failure


def _take_as_kept(finding: Finding) -> None:
    """What a former attempt found, and what it says, as it was kept."""
    due = finding.due
    assert due.verdict is not None
    checked = "The check was skipped before." if due.verdict is Verdict.skipped else "It was checked before."
    finding.verification = Verification(due.verdict, checked, delivery_id=due.delivery_id)
    finding.messages = tuple(said(due.kept[place]) for place in sorted(due.kept))


def _interpret(finding: Finding) -> None:
    """What it says; of one that isn't genuine too, to show what it claims."""
    case, verification, due = finding.case, finding.verification, finding.due
    assert case is not None
    assert verification is not None
    assert due.request is not None
    messages = case.gateway.interpret(due.request, case.settings, verification.evidence)
    if not messages:  # a genuine batch of none
        messages = (Message(Outcome.ignored),)
    # Where the callback doesn't say whether it is a test, the account's mode does.
    tested = (m if m.test is not None else replace(m, test=case.test) for m in messages)
    finding.messages = tuple(as_kept(case.reading.read(message, due.request)) for message in tested)
    if verification.verdict is Verdict.unreachable:
        raise CallbackFailed(Reason.gateway_unreachable, verification.detail)
    if verification.verdict is Verdict.not_genuine:
        reason = Reason.unreadable if verification.unreadable else Reason.not_genuine
        raise CallbackFailed(reason, verification.detail)


@contextmanager
def guarded(finding: Finding) -> Iterator[None]:
    """What fails within is why this callback is not processed; what breaks within, whatever it be, is `crashed`."""
    try:
        with limited(MOST_CPU_S):
            yield
    except CallbackFailed as failure:
        finding.failure = failure
    except (KeyboardInterrupt, SystemExit, SQLAlchemyError):  # the store's trouble is not the callback's
        raise
    except BaseException:  # libraries have some of their own that are no Exception
        finding.failure, finding.error = crashed()


class TooLong(Exception):
    """It took more processor time than any honest callback does."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """`TooLong` once so much time is spent: of the processor where signals can be had, which is where workers decide;
    in any other thread, where screens look ahead, by the clock.
    """
    if threading.current_thread() is threading.main_thread():
        with _limited_by_signal(seconds):
            yield
    else:
        with _limited_by_watch(seconds):
            yield


@contextmanager
def _limited_by_signal(seconds: float) -> Iterator[None]:
    if signal.getsignal(signal.SIGVTALRM) is not _stop:  # from here on; it means nothing while no time runs
        signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLong("more processor time than it may take")


@contextmanager
def _limited_by_watch(seconds: float) -> Iterator[None]:
    """A thread can't be stopped from outside, but it can be made to raise."""
    thread, over, lock = ctypes.c_ulong(threading.get_ident()), False, threading.Lock()

    def stop() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TooLong))

    watch = threading.Timer(seconds, stop)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        with lock:
            over = True  # what comes now would hit whoever comes next
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)
        watch.cancel()


def crashed() -> tuple[CallbackFailed, str]:
    """Of the exception in hand: a reason with an id to tell the admins, and under it where it broke.

    Not what the exception says: it may quote a secret, or what a customer wrote.
    """
    error, error_id = sys.exception(), secrets.token_hex(2)
    where = "".join(told(error, in_words=False)) if error else ""
    return CallbackFailed(Reason.crashed, f"error {error_id}"), f"{error_id}\n{where}"


def nobody(question: Ask) -> Answer | NoAnswer:
    """Who is asked where nobody may be asked."""
    return NoAnswer("not asked")
