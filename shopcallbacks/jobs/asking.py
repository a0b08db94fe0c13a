"""The lane where gateways are asked: many conversations at once, none waiting for another.

Only the questions themselves go to threads; whatever a gateway's file computes runs here. As soon as one conversation
has come to its end another callback is taken, so the slowest holds up none; an account has at most its share, and one
whose gateway does not answer is asked less until it does.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from ..callbacks import due
from ..callbacks.due import Due
from ..dashboard.pulse import Pulse
from ..domain.states import Lane
from ..domain.values import Answer, Ask, NoAnswer
from ..extensions import db, must_not_stand_still
from ..processing import pipeline
from ..processing.case import Accounts
from ..processing.deciding import Desk
from ..processing.examining import Examining, Finding
from .at_once import AT_ONCE, LEASE_S

log = logging.getLogger(__name__)
PER_ACCOUNT = 8
# A drain ends after so long, so that its job does; the next goes on.
DRAIN_S = 15.0  # a worker that is told to stop takes no longer, with the last answers, than it is given

Talk = dict[Future[Answer | NoAnswer], Examining]
Settle = Callable[[int, Callable[[Due], Desk | None]], bool]

# How many of an account are asked at once: fewer while its gateway does not answer. Forgotten when the process ends.
patience: Counter[int] = Counter()


def drain_asking(settled: Settle) -> int:
    """All that is due, until nothing is; leased, and asked without any transaction. How many it took.

    The leases are short and renewed while we live, so that the callbacks of a killed worker are soon anybody's.
    """
    ask: Callable[[Ask], Answer | NoAnswer] = current_app.extensions["ask"]
    taken, until, renewed = 0, time.monotonic() + DRAIN_S, time.monotonic()
    asked: Talk = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        while True:
            fresh = _leased(asked) if time.monotonic() < until else []
            taken += len(fresh)
            for examining in fresh:
                _go_on(examining, examining.begin, asked, pool, ask, settled)
            if not asked and not fresh:
                return taken
            done, _ = wait(asked, timeout=LEASE_S / 8, return_when=FIRST_COMPLETED)
            for one in done:
                examining, answer = asked.pop(one), one.result()
                _learn(examining.finding.due.account_id, answer)
                _go_on(examining, partial(examining.hear, answer), asked, pool, ask, settled)
            if time.monotonic() - renewed >= LEASE_S / 4:
                due.renew_lease([examining.finding.due.id for examining in asked.values()], LEASE_S)
                Pulse.beat(Lane.asking)  # the sweep, whose pulse it is else, waits behind this drain
                db.session.commit()
                renewed = time.monotonic()


def _leased(asked: Talk) -> list[Examining]:
    """As many as there is room for, each account its share."""
    room = AT_ONCE - len(asked)
    if room <= 0:
        return []
    running = Counter(examining.finding.due.account_id for examining in asked.values())
    shares = {id_: max(_share(id_) - running[id_], 0) for id_ in {*running, *patience}}
    must_not_stand_still()
    leased = due.lease(room, shares, PER_ACCOUNT, LEASE_S)
    accounts = Accounts(one.account_id for one in leased)
    db.session.commit()
    return [Examining(one, accounts) for one in leased]


def _share(account_id: int) -> int:
    return max(PER_ACCOUNT >> patience[account_id], 1)


def _learn(account_id: int, answer: Answer | NoAnswer) -> None:
    """A gateway that does not answer is asked half as much, and as ever once it does."""
    if isinstance(answer, NoAnswer):
        patience[account_id] = min(patience[account_id] + 1, 3)
    else:
        patience.pop(account_id, None)


def _go_on(
    examining: Examining,
    step: Callable[[], Ask | None],
    asked: Talk,
    pool: ThreadPoolExecutor,
    ask: Callable[[Ask], Answer | NoAnswer],
    settled: Settle,
) -> None:
    """The next question, or what came of the last one."""
    id_ = examining.finding.due.id
    try:
        question = step()
    except SQLAlchemyError as error:
        db.session.rollback()
        settled(id_, partial(_fail, error))
        return
    if question is not None:
        asked[pool.submit(ask, question)] = examining
    elif settled(id_, lambda claimed: _apply(examining.finding, claimed)):
        _acknowledge(examining.finding, pool, ask)


def _fail(error: SQLAlchemyError, claimed: Due) -> Desk | None:
    raise error


def _apply(finding: Finding, claimed: Due) -> Desk | None:
    """What was found while nobody held the callback; dropped where the callback has moved on meanwhile."""
    if claimed.version != finding.due.version:
        return None
    return pipeline.apply([finding], Accounts([claimed.account_id]))


def _acknowledge(finding: Finding, pool: ThreadPoolExecutor, ask: Callable[[Ask], Answer | NoAnswer]) -> None:
    """Tells a gateway that wants it that the result is stored. If that fails the gateway calls again."""
    case, request = finding.case, finding.due.request
    if finding.failure is not None or case is None or request is None:
        return
    question = case.gateway.acknowledge(request, case.settings, finding.messages)
    if question is not None:
        title = case.gateway.title
        pool.submit(ask, question).add_done_callback(lambda done: _told(title, done.result()))


def _told(title: str, answer: Answer | NoAnswer) -> None:
    if isinstance(answer, NoAnswer):
        log.warning("%s could not be told: %s", title, answer.why)
