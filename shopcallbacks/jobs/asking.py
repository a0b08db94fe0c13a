"""The lane where gateways are asked: many conversations at once, none waiting for another.

Only the questions themselves go to threads; whatever a gateway's file computes runs here. What has come to its end by
now is decided together, and others are taken, so the slowest holds up none; an account has at most its share, and one
whose gateway does not answer is asked less until it does.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from ..bells import bell
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
from .transactions import alone, together

log = logging.getLogger(__name__)
PER_ACCOUNT = 8
# So often a drain listens for the bell while its gateways are slow to answer. Once rung it goes on ringing until the
# next drain, so from then on what is due is looked for as often.
LISTEN_S = 0.02
# A drain ends after so long, so that its job does; the next goes on.
DRAIN_S = 15.0  # a worker that is told to stop takes no longer, with the last answers, than it is given

Talk = dict[Future[Answer | NoAnswer], Examining]
Step = tuple[Examining, Callable[[], Ask | None]]

# How many of an account are asked at once: fewer while its gateway does not answer. Forgotten when the process ends.
patience: Counter[int] = Counter()


def drain_asking() -> tuple[int, bool]:
    """All that is due, until nothing is; leased, and asked without any transaction. How many it took, and whether there
    may be more.

    The leases are short and renewed while we live, so that the callbacks of a killed worker are soon anybody's.
    """
    ask: Callable[[Ask], Answer | NoAnswer] = current_app.extensions["ask"]
    taken, until, renewed = 0, time.monotonic() + DRAIN_S, time.monotonic()
    asked: Talk = {}
    heard: list[Step] = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        while True:
            may_be_more = heard or not asked or bell().rung(Lane.asking)
            fresh = _leased(asked) if may_be_more and time.monotonic() < until else []
            taken += len(fresh)
            found = _go_on([*heard, *((examining, examining.begin) for examining in fresh)], asked, pool, ask)
            for finding in _settled(found):
                _acknowledge(finding, pool, ask)
            if not asked and not fresh:
                return taken, taken > 0
            db.session.commit()
            done, _ = wait(asked, timeout=LISTEN_S, return_when=FIRST_COMPLETED)
            heard = [_hear(asked.pop(one), one.result()) for one in done]
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
    leased = due.lease(room, shares, PER_ACCOUNT, LEASE_S)
    accounts = Accounts(one.account_id for one in leased)
    db.session.commit()
    return [Examining(one, accounts) for one in leased]


def _share(account_id: int) -> int:
    return max(PER_ACCOUNT >> patience[account_id], 1)


def _hear(examining: Examining, answer: Answer | NoAnswer) -> Step:
    """A gateway that does not answer is asked half as much, and as ever once it does."""
    account_id = examining.finding.due.account_id
    if isinstance(answer, NoAnswer):
        patience[account_id] = min(patience[account_id] + 1, 3)
    else:
        patience.pop(account_id, None)
    return examining, partial(examining.hear, answer)


def _go_on(
    steps: Iterable[Step], asked: Talk, pool: ThreadPoolExecutor, ask: Callable[[Ask], Answer | NoAnswer]
) -> list[Finding]:
    """The next questions; and what was found out where there are no more."""
    found = []
    for examining, step in steps:
        try:
            question = step()
        except SQLAlchemyError as error:
            db.session.rollback()
            alone(examining.finding.due.id, partial(_fail, error))
            continue
        if question is not None:
            asked[pool.submit(ask, question)] = examining
        else:
            found.append(examining.finding)
    return found


def _fail(error: SQLAlchemyError, claimed: Due) -> Desk | None:
    raise error


def _settled(found: list[Finding]) -> list[Finding]:
    """What was found while nobody held the callbacks; what of it holds. Dropped where one has moved on meanwhile."""
    by_id, mine = {finding.due.id: finding for finding in found}, set[int]()

    def apply(claimed: list[Due]) -> Desk | None:
        unmoved = [by_id[one.id] for one in claimed if one.version == by_id[one.id].due.version]
        mine.update(one.due.id for one in unmoved)
        return pipeline.apply(unmoved, Accounts(one.due.account_id for one in unmoved)) if unmoved else None

    def all_of_them() -> Desk | None:
        must_not_stand_still()
        return apply(due.claim_these(list(by_id)))

    held = together(list(by_id), all_of_them, lambda one: apply([one])) if found else []
    return [by_id[id_] for id_ in held if id_ in mine]


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
