"""Rows that somebody looks at: which of them have moved on since they were drawn, or are claimed or noted on anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from ..callbacks.callback import Callback
from ..callbacks.claims import Claim
from ..callbacks.notes import Thread, threads_of
from ..domain.values import read_id
from ..extensions import db
from ..shops.accounts import Shop
from .page import FOR_ROWS

MOST = 100
_PARTS = 5


def mark_of(id_: int, version: int, notes: Thread | None, claim: Claim | None, now: datetime) -> str:
    """All that a row shows and that can change, as numbers: "12.3.0.7.4"."""
    who, minutes = (claim.user_id, int((now - claim.since).total_seconds()) // 60) if claim else (0, 0)
    return f"{id_}.{version}.{notes.count if notes else 0}.{who}.{minutes}"


def read(text: str) -> dict[int, str]:
    """The marks of the rows shown, by id. What no row has written is left out."""
    shown: dict[int, str] = {}
    for mark in text.split()[:MOST]:
        id_, *rest = [read_id(part) for part in mark.split(".")]
        if id_ is not None and len(rest) == _PARTS - 1 and None not in rest:
            shown[id_] = mark
    return shown


def moved(shown: dict[int, str], shop: Shop, now: datetime) -> Sequence[Callback]:
    """Those of the shop whose mark is another one now. Looks up the marks; only what moved on is loaded."""
    if not shown:
        return []
    versions = db.session.execute(
        select(Callback.id, Callback.version).where(Callback.id.in_(list(shown)), Callback.shop_id == shop.id)
    )
    notes, claims = threads_of(shown), Claim.of(shown)
    ids = [
        id_ for id_, version in versions if shown[id_] != mark_of(id_, version, notes.get(id_), claims.get(id_), now)
    ]
    if not ids:
        return []
    return db.session.scalars(
        select(Callback).where(Callback.id.in_(ids)).order_by(Callback.id).options(*FOR_ROWS)
    ).all()
