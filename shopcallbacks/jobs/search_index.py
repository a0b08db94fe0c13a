"""The search index grows behind arrival, and gives way to callbacks that are due."""

from __future__ import annotations

from flask import current_app

from ..bells import INDEX, bell
from ..callbacks.callback import Callback
from ..clock import utcnow
from ..domain.states import Lane
from ..extensions import db
from ..panel.search.index import BATCH as READ_AT_ONCE
from ..panel.search.index import Round, SearchProgress


def index() -> int:
    """One batch into the search index; rings again where there is more. How many callbacks it read.

    None while callbacks wait for a worker: orders come first, and the next sweep looks again.
    """
    with current_app.app_context():
        bell().answer(INDEX)
        count = _fill()
        db.session.commit()
        if count >= READ_AT_ONCE:
            bell().ring(INDEX)
        else:
            current_app.extensions.pop("round", None)
        return count


def _fill() -> int:
    progress = SearchProgress.take()
    if progress is None or (Callback.any_due(Lane.plain) and not progress.behind(utcnow())):
        return 0
    return progress.fill(_round())


def _round() -> Round:
    """The one that goes on, by process; where it was lost the next begins anew."""
    kept: Round | None = current_app.extensions.get("round")
    if kept is None or kept.over(utcnow()):
        kept = current_app.extensions["round"] = Round()
    return kept
