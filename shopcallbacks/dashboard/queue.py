"""The unprocessed queue: which callbacks need a person, and which wait by themselves.

Every query here reads the partial index `ix_callbacks_queue`, so its cost grows with the queue, never with what is
processed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, exists, func, select

from ..callbacks.callback import STUCK_AFTER, Callback
from ..domain.states import BY_A_PERSON, State, Verb
from ..extensions import db
from ..shops.acts import Activity

# Written out into the statement, so that the planner always knows the index fits, prepared or not.
_STATES: BindParameter[State] = bindparam(
    "queue_states", [State.received, State.unprocessed], expanding=True, literal_execute=True
)
# Of all shops.
QUEUED: ColumnElement[bool] = Callback.state.in_(_STATES)


def in_queue(shop_id: int) -> ColumnElement[bool]:
    return and_(Callback.shop_id == shop_id, QUEUED)


def on_its_way(now: datetime) -> ColumnElement[bool]:
    """An attempt is to come by itself, or the first one is due just now."""
    just_come = Callback.received_at >= now - STUCK_AFTER
    by_itself = case((Callback.state == State.received, just_come), else_=Callback.due_kind.not_in(BY_A_PERSON))
    return and_(Callback.due_at.is_not(None), by_itself)  # first what is soon asked, of all that waits


def needs_a_person(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Unprocessed with no attempt to come by itself, or received so long ago that it is stuck."""
    return and_(in_queue(shop_id), ~on_its_way(now))


def waits(shop_id: int, now: datetime) -> ColumnElement[bool]:
    """Looked at, or tried again, by itself: nobody needs to do anything yet."""
    return and_(in_queue(shop_id), on_its_way(now))


def put_back_since(then: datetime) -> ColumnElement[bool]:
    """A person has put it back into the queue since."""
    return exists().where(Activity.callback_id == Callback.id, Activity.at > then, Activity.verb == Verb.restore)


def count(shop_id: int, now: datetime) -> int:
    """How many need a person."""
    return db.session.scalar(select(func.count()).select_from(Callback).where(needs_a_person(shop_id, now))) or 0


def due(shop_id: int, now: datetime) -> int:
    """How many a worker should have taken by now."""
    counted = select(func.count()).select_from(Callback).where(in_queue(shop_id), Callback.due_at <= now)
    return db.session.scalar(counted) or 0
