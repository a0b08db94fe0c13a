"""How a bulk run goes on, step by step: take the outcomes that have come, stop if too many failed, do the next ones.

It begins with one callback, then five, then the rest, and waits for the outcome of each stage. What a retry is sure
not to help is passed over, so that the first ones tell something. An attempt for which nobody is asked is made in the
step itself; one that asks its gateway is asked for, and a worker makes it. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, select

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback
from ..callbacks.due import asked_of
from ..callbacks.undo import put_away_by
from ..domain.errors import Refused
from ..domain.states import Lane, Verb
from ..extensions import db
from ..orders.order import Order
from ..panel.headline import why_it_waits
from ..processing import pipeline
from ..processing.deciding import Desk
from ..processing.recording import Conclusion
from ..shops.accounts import GatewayAccount
from ..shops.acts import Activity
from ..shops.users import Role
from ..words import acts, outcomes
from .closing import Ending
from .preview import asks_in_vain, foretold, not_forced_among_many
from .runs import BulkItem, BulkRun, ItemState, RunState

STAGES = (1, 5)
BATCH = 200  # so many wait for their outcome at most
HERE = 100  # so many attempts are made in one step
AT_LEAST = 10  # among so few the share of failures tells nothing
WINDOW = 100  # of the rest, the share is that of the last so many


@dataclass
class FollowUp:
    """What to do once it is committed: the lanes to ring, the desk to look behind, and whether to go on at once."""

    lanes: set[Lane] = field(default_factory=set)
    desk: Desk | None = None
    again: bool = False


def advance(run: BulkRun, here: bool = True) -> FollowUp:
    """One step of a locked run. `here`: attempts are made in it; else they are asked for, all of them."""
    follow_up = FollowUp()
    _take_outcomes(run)
    _judge(run)
    if run.state is RunState.running:
        _do_next(run, follow_up, here and run.verb.attempts is not None)
        _judge(run)
    if run.state is RunState.running and run.left == 0:
        run.end(RunState.done)
    return follow_up


def _take_outcomes(run: BulkRun) -> None:
    """Of the attempts that were asked for and have been made."""
    if not run.asked:
        return
    rows = db.session.execute(
        select(BulkItem, Attempt, Callback.order_number, GatewayAccount, Order)
        .join(Attempt, and_(Attempt.callback_id == BulkItem.callback_id, Attempt.number == BulkItem.attempt))
        .join(Callback, Callback.id == BulkItem.callback_id)
        .join(GatewayAccount, GatewayAccount.id == Callback.account_id)
        .outerjoin(Order, Order.id == Callback.order_id)
        .where(BulkItem.run_id == run.id, BulkItem.state == ItemState.asked)
        .order_by(BulkItem.place)
    )
    for item, attempt, number, account, order in rows:
        run.asked -= 1
        Ending(attempt, attempt.detail, account, number, order).close(run, item)


def _judge(run: BulkRun) -> None:
    """Stops it where too many failed, or who began it may do this no more; else on to the next stage once this one is
    through.
    """
    if run.state is not RunState.running:
        return
    if not run.user.active or not run.user.reaches(Role.manager, run.shop_id):
        run.stop(outcomes.may_no_more(run.user.name))
        return
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


def _do_next(run: BulkRun, follow_up: FollowUp, here: bool) -> None:
    room = _room(run)
    if room <= 0 or not run.waiting:
        return
    # The first ones are looked for among many, those that a retry is sure not to help passed over.
    early = run.stage < len(STAGES)
    items = BulkItem.next_of(run, BATCH if early else min(room, HERE) if here else room)
    ids = [item.callback_id for item in items]
    in_vain = _foretold(run, ids, here) if early or not here else {}
    callbacks = Callback.lock_all(ids)
    last = Activity.last_of(ids) if run.undoes_id else {}
    held: list[tuple[BulkItem, Callback]] = []
    for item in items:
        if not room:
            break
        callback = callbacks[item.callback_id]
        if callback.id not in in_vain and asks_in_vain(run.verb, callback):
            in_vain[callback.id] = why_it_waits(callback, callback.account)
        if callback.id in in_vain:
            run.close(item, ItemState.skipped, outcomes.fails_again(in_vain[callback.id]))
        elif run.undoes_id and not run.was_the_last(last.get(callback.id)):
            run.close(item, ItemState.skipped, acts.VERBS[run.verb].skipped, "Something was done to it since.")
        elif refused := _refused(run, callback):
            run.close(item, ItemState.skipped, acts.VERBS[run.verb].skipped, refused)
        else:
            room -= 1
            if here and not _asks(run, callback):
                held.append((item, callback))
            else:
                _do(run, item, callback, follow_up)
    follow_up.desk = _try(run, held) if held else None
    follow_up.again = bool(run.waiting) and (bool(held) or not run.asked)


def _foretold(run: BulkRun, ids: Sequence[int], here: bool) -> dict[int, str]:
    """Those that a retry is sure not to help. Which of them breaks our code a worker finds out, trying each alone."""
    try:
        return foretold(run.verb, ids)
    except Exception:
        if here:
            raise
        return {}


def _refused(run: BulkRun, callback: Callback) -> str:
    """Why the verb can't be done, guarded as ever; empty where it can."""
    if run.verb is Verb.force and (sentence := not_forced_among_many(callback)):
        return sentence
    try:
        callback.may(_verb_for(run, callback), run.user, run.why)
    except Refused as refused:
        return str(refused)
    return ""


def _asks(run: BulkRun, callback: Callback) -> bool:
    return run.verb.attempts is not None and callback.would_ask(run.verb.attempts)


def _try(run: BulkRun, held: Sequence[tuple[BulkItem, Callback]]) -> Desk:
    """An attempt of each, and what came of it. What a retry does not help is left as it was."""
    assert run.verb.attempts is not None
    due = asked_of([callback for _, callback in held], run.verb.attempts, run.user, run.why)
    desk = pipeline.try_some(due, in_vain=run.verb is not Verb.retry)
    conclusions = {tried.due.id: Conclusion.of(tried, desk.now) for tried in desk.tried}
    for item, callback in held:
        conclusion = conclusions[callback.id]
        book = desk.books.get(conclusion.order_id) if conclusion.order_id is not None else None
        order = book.facts if book else None
        ending = Ending(conclusion, conclusion.said, callback.account, conclusion.order_number, order)
        if conclusion.tried.passed_over:
            ending.pass_over(run, item)
        else:
            item.attempt = callback.attempt_count + 1
            ending.close(run, item)
    acted = [callback for _, callback in held if not conclusions[callback.id].tried.passed_over]
    Activity.record_of_each(run.verb, run.user, acted, run.why, run.name)
    return desk


def _do(run: BulkRun, item: BulkItem, callback: Callback, follow_up: FollowUp) -> None:
    """The verb; an attempt is asked for."""
    callback.do(_verb_for(run, callback), run.user, run.why, what=run.name)
    if callback.due_at is not None:
        follow_up.lanes.add(callback.lane)
    if run.verb.attempts:
        item.state, item.attempt = ItemState.asked, callback.attempt_count + 1
        run.asked += 1
    else:
        run.close(item, ItemState.succeeded, acts.VERBS[run.verb].done_to_many)


def _verb_for(run: BulkRun, callback: Callback) -> Verb:
    """What is no longer to be restored is put away each as it was before."""
    if run.undoes_id is not None and run.verb is Verb.remove:
        return put_away_by(callback.id)
    return run.verb
