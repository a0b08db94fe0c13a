"""Rows that somebody looks at: which of them have moved on since they were drawn."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from .callbacks import Callback
from .extensions import db
from .paging import FOR_ROWS
from .shops import Shop

MOST = 100


def read(text: str) -> dict[int, str]:
    """The marks of the rows shown, "12.3 14.0", by id. What no row has written is left out."""
    shown: dict[int, str] = {}
    for mark in text.split()[:MOST]:
        id_, dot, version = mark.partition(".")
        if dot and all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (id_, version)):
            shown[int(id_)] = mark
    return shown


def moved(shown: dict[int, str], shop: Shop) -> Sequence[Callback]:
    """Those of the shop whose mark is another one now. Looks up the marks; only what moved on is loaded."""
    if not shown:
        return []
    marks = db.session.execute(
        select(Callback.id, Callback.version).where(Callback.id.in_(list(shown)), Callback.shop_id == shop.id)
    )
    ids = [id_ for id_, version in marks if shown[id_] != f"{id_}.{version}"]
    if not ids:
        return []
    return db.session.scalars(
        select(Callback).where(Callback.id.in_(ids)).order_by(Callback.id).options(*FOR_ROWS)
    ).all()
