"""The evidence about one callback, for paper: what came, what became of it, who did what. Told to nobody as "you"."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...callbacks.callback import Callback
from ...callbacks.notes import Note
from ...callbacks.related import Related, related_to
from ...callbacks.requests import digest_of
from ...shops.acts import Activity
from ...shops.users import User
from ..rows import Row, full_row
from .comparison import Line, compare
from .request import RequestPane, hides, pane_of


@dataclass(frozen=True)
class Digest:
    """SHA-256 of the body, and the one kept at arrival, of query and body. `same`: made anew, it is the same still."""

    body: str
    kept: str
    same: bool


@dataclass(frozen=True)
class Evidence:
    """`pane`: None while the request is in an archive; `digest`: None then, and where something in query or body is
    hidden, for it would help to guess what.
    """

    callback: Callback
    made_by: User
    made_at: datetime
    row: Row
    pane: RequestPane | None
    digest: Digest | None
    differences: Sequence[Line]
    acts: Sequence[Activity]
    notes: Sequence[Note]
    related: Sequence[Related]


def evidence_of(callback: Callback, user: User, now: datetime) -> Evidence:
    """Made by the user, which is recorded: data leaves."""
    Activity.record("evidence", user, callback.shop_id, callback.id, callback.order_id)
    acts, notes = Activity.about(callback.id), Note.about(callback.id)
    return Evidence(
        callback=callback,
        made_by=user,
        made_at=now,
        row=full_row(callback, None, now, acts, notes),
        pane=pane_of(callback, "body"),
        digest=_digest(callback),
        differences=compare(callback),
        acts=acts,
        notes=notes,
        related=related_to(callback),
    )


def _digest(callback: Callback) -> Digest | None:
    request = callback.request
    if request is None or hides(request, callback.account):
        return None
    made_anew = digest_of(request)
    return Digest(hashlib.sha256(request.body).hexdigest(), callback.digest.hex(), made_anew == callback.digest)
