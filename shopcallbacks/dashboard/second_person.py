"""Callbacks that one person asked another one to force, for it takes two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased, joinedload

from ..callbacks.callback import FIRST_OF_TWO, Callback
from ..extensions import db
from ..shops.accounts import Shop
from ..shops.acts import BESIDE, Activity
from .queue import in_queue

MOST = 20


@dataclass(frozen=True)
class Asked:
    """`act`: who asked, when and why; nothing has been done about the callback since."""

    callback: Callback
    act: Activity


def asked(shop: Shop, *wanted: ColumnElement[bool]) -> list[Asked]:
    """The longest asked first, no more than anybody reads. `wanted`: what must be so of the act."""
    if shop.force_limit is None:
        return []
    since = aliased(Activity)
    moved = exists().where(since.callback_id == Callback.id, since.id > Activity.id, since.verb.not_in(BESIDE))
    found = (
        select(Callback, Activity)
        .join(Activity, Activity.callback_id == Callback.id)
        .where(in_queue(shop.id), Activity.verb == FIRST_OF_TWO, ~moved, *wanted)
        .order_by(Activity.id)
        .options(joinedload(Callback.order), joinedload(Callback.account), joinedload(Activity.user))
    )
    with db.session.execute(found.execution_options(yield_per=MOST)) as rows:
        return list(islice((Asked(*row) for row in rows if row.Callback.forced_by_two), MOST))
