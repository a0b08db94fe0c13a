"""The search index grows behind arrival."""

from __future__ import annotations

from flask import current_app

from ..extensions import INDEX, bell, db
from ..panel.search.index import BATCH as READ_AT_ONCE
from ..panel.search.index import SearchProgress


def index() -> int:
    """One batch into the search index; rings again where there is more. How many callbacks it read."""
    with current_app.app_context():
        bell().answer(INDEX)
        progress = SearchProgress.take()
        count = progress.fill() if progress is not None else 0
        db.session.commit()
        if count >= READ_AT_ONCE:
            bell().ring(INDEX)
        return count
