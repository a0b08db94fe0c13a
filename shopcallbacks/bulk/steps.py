"""How a bulk run goes on, step by step: take the outcomes that have come, stop if too many failed, do the next ones.

It begins with one callback, then five, then the rest, and waits for the outcome of each stage. What a retry is sure
not to help is passed over, so that the first ones tell something. Nothing here commits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import and_, select

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback
from ..callbacks.undo import put_away_by
from ..domain.errors import Refused
from ..domain.states import Lane, Verb
from ..extensions import db
from ..shops.accounts import GatewayAccount
from ..words import acts, outcomes, reasons
from .preview import foretold, not_forced_among_many
from .runs import BulkItem, BulkRun, ItemState, RunState

STAGES = (1, 5)
BATCH = 200  # so many wait for their outcome at most
AT_LEAST = 10  # among so few the share of failures tells nothing
WINDOW = 100  # of the rest, the share is that of the last so many


@dataclass
class FollowUp:
    """What to do once it is committed: the lanes to ring, and whether to go on at once."""

    lanes: set[Lane] = field(default_factory=set)
    again: bool = False


def advance(run: BulkRun) -> FollowUp:
    """One step of a locked run."""
    follow_up = FollowUp()
    _take_outcomes(run)
    if run.state is not RunState.running:
        return follow_up
    _judge(run)
    if run.state is RunState.running:
        _do_next(run, follow_up)
    if run.state is RunState.running and run.left == 0:
        run.end(RunState.done)
    return follow_up


def _take_outcomes(run: BulkRun) -> None:
    """Of the attempts that were asked for and have been made."""
    if not run.asked:
        return
    rows = db.session.execute(
        select(BulkItem, Attempt, Callback.order_number, GatewayAccount)
        .join(Attempt, and_(Attempt.callback_id == BulkItem.callback_id, Attempt.number == BulkItem.attempt))
        .join(Callback, Callback.id == BulkItem.callback_id)
        .join(GatewayAccount, GatewayAccount.id == Callback.account_id)
        .where(BulkItem.run_id == run.id, BulkItem.state == ItemState.asked)
        .order_by(BulkItem.place)
    )
    for item, attempt, number, account in rows:
        run.asked -= 1
        if attempt.succeeded:
            item.close(ItemState.succeeded, _came(run, attempt), _result(attempt, number), attempt.effect)
            _count(run, failed=False)
        else:
            item.close(ItemState.failed, _why_not(run, attempt, account), attempt.detail)
            _count(run, failed=True)


def _came(run: BulkRun, attempt: Attempt) -> str:
    """The same for all that came to the same."""
    return acts.VERBS[run.verb].done_to_many or outcomes.came(attempt.effect)


def _result(attempt: Attempt, number: str | None) -> str:
    return outcomes.RESULTS[attempt.effect].format(number=number) if attempt.effect in outcomes.RESULTS else ""


def _why_not(run: BulkRun, attempt: Attempt, account: GatewayAccount) -> str:
    if attempt.reason is None:
        return acts.VERBS[run.verb].skipped
    return reasons.cause(attempt.reason, attempt.conflict, account.title, account.asks)


def _count(run: BulkRun, failed: bool) -> None:
    run.stage_tried += 1
    if failed:
        run.failed += 1
        run.stage_failed += 1
    else:
        run.succeeded += 1


def _judge(run: BulkRun) -> None:
    """Stops it where too many failed; else on to the next stage once this one is through."""
    tried, failed = run.stage_tried, run.stage_failed
    if run.stage < len(STAGES):
        if tried < STAGES[run.stage]:
            return
        if failed == tried:
            run.stop(outcomes.first_failed(tried))
        else:
            run.enter(run.stage + 1)
    elif tried >= AT_LEAST and failed * 100 > run.stop_share * tried:
        run.stop(outcomes.too_many_failed(failed, tried, run.stop_share))
    elif tried >= WINDOW:
        run.enter(run.stage)


def _room(run: BulkRun) -> int:
    """How many more may be done now."""
    if run.stage < len(STAGES):
        return STAGES[run.stage] - run.stage_tried - run.asked
    return BATCH - run.asked


def _do_next(run: BulkRun, follow_up: FollowUp) -> None:
    room = _room(run)
    if room <= 0 or not run.waiting:
        return
    # The first ones are looked for among many, those that a retry is sure not to help passed over.
    items = BulkItem.next_of(run, BATCH if run.stage < len(STAGES) else room)
    in_vain = foretold(run.verb, [item.callback_id for item in items])
    callbacks = Callback.lock_all(item.callback_id for item in items)
    for item in items:
        if not room:
            break
        if item.callback_id in in_vain:
            item.close(ItemState.skipped, outcomes.fails_again(in_vain[item.callback_id]))
            run.skipped += 1
        else:
            room -= _do(run, item, callbacks[item.callback_id], follow_up)
    follow_up.again = bool(run.waiting) and not run.asked


def _do(run: BulkRun, item: BulkItem, callback: Callback, follow_up: FollowUp) -> bool:
    """The verb, guarded as ever. False where it could not be done."""
    if run.verb is Verb.force and (sentence := not_forced_among_many(callback)):
        item.close(ItemState.skipped, acts.VERBS[run.verb].skipped, sentence)
        run.skipped += 1
        return False
    try:
        callback.do(_verb_for(run, callback), run.user, run.why, what=run.name)
    except Refused as refused:
        item.close(ItemState.skipped, acts.VERBS[run.verb].skipped, str(refused))
        run.skipped += 1
        return False
    if callback.due_at is not None:
        follow_up.lanes.add(callback.lane)
    if run.verb.attempts:
        item.state, item.attempt = ItemState.asked, callback.attempt_count + 1
        run.asked += 1
    else:
        item.close(ItemState.succeeded, acts.VERBS[run.verb].done_to_many)
        _count(run, failed=False)
    return True


def _verb_for(run: BulkRun, callback: Callback) -> Verb:
    """What is no longer to be restored is put away each as it was before."""
    if run.undoes_id is not None and run.verb is Verb.remove:
        return put_away_by(callback.id)
    return run.verb
