"""Pages of the panel by keyset: each starts behind a row, so that page 40,000 costs what the first one costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, or_, select, tuple_
from sqlalchemy.orm import joinedload

from ..callbacks.attempts import Attempt
from ..callbacks.callback import LIGHT, Callback
from ..domain.states import BY_ITSELF
from ..domain.values import read_id
from ..extensions import db
from ..shops.accounts import GatewayAccount, Shop
from .filter import Filter, Tab

COUNTED = 100_000


@dataclass(frozen=True)
class Cursor:
    """The row a page starts behind (`onward`) or ends before: its time or amount, and its id."""

    onward: bool
    at: str
    id: int

    @classmethod
    def read(cls, text: str, onward: bool) -> Cursor | None:
        """None for what no page has written."""
        at, _, id_ = text.rpartition("~")
        number = read_id(id_)
        return cls(onward, at, number) if number is not None else None

    def key(self, by_amount: bool) -> tuple[Any, int] | None:
        """The row's place; None where it does not fit the order of the rows."""
        try:
            place = (int(self.at) if self.at else None) if by_amount else datetime.fromisoformat(self.at)
        except ValueError:
            return None
        whole = abs(place) < 2**63 if isinstance(place, int) else place is None or place.tzinfo is not None
        return (place, self.id) if whole else None


@dataclass(frozen=True)
class Page:
    """Some rows, and the addresses' ends of the pages before and after them, None where there is none."""

    callbacks: Sequence[Callback]
    before: str | None
    after: str | None


def page_of(filter_: Filter, shop: Shop, cursor: Cursor | None = None) -> Page:
    """The page behind the cursor, the first one without."""
    by_amount = filter_.sorting.by_amount
    start = cursor.key(by_amount) if cursor else None
    onward = cursor is None or start is None or cursor.onward
    found = _fetch(filter_, shop, start, onward)
    more = len(found) > filter_.per
    shown = found[: filter_.per] if onward else found[: filter_.per][::-1]
    has_before = start is not None if onward else more
    has_after = more if onward else True
    return Page(
        shown,
        _text(shown[0], by_amount) if shown and has_before else None,
        _text(shown[-1], by_amount) if shown and has_after else None,
    )


def _text(callback: Callback, by_amount: bool) -> str:
    at = callback.amount_minor if by_amount else callback.received_at.isoformat()
    return f"{'' if at is None else at}~{callback.id}"


def _fetch(filter_: Filter, shop: Shop, start: tuple[Any, int] | None, onward: bool) -> list[Callback]:
    """One row more than a page. Rows without an amount are a stretch of their own behind those with one."""
    descending = filter_.sorting.descending is onward
    with_amount, without = Callback.amount_minor.is_not(None), Callback.amount_minor.is_(None)
    stretches: list[tuple[list[ColumnElement[bool]], Any, bool]] = [([], Callback.received_at, True)]
    if filter_.sorting.by_amount:
        stretches = [([with_amount], Callback.amount_minor, True), ([without], None, False)]
        if start is not None and (start[0] is None) is onward:
            stretches = stretches[1:] if onward else stretches[:1]
        if not onward:
            stretches.reverse()
    found: list[Callback] = []
    for conditions, column, keyed in stretches:
        columns = [column, Callback.id] if keyed else [Callback.id]
        if start is not None and (start[0] is not None) is keyed:
            place = tuple_(
                *(literal(value, col.type) for value, col in zip(start[-len(columns) :], columns, strict=True))
            )
            conditions = [*conditions, tuple_(*columns) < place if descending else tuple_(*columns) > place]
        moment = start[0] if start and not filter_.sorting.by_amount else None
        for where in filter_.stretches(shop, descending=descending, start=moment):
            found += db.session.scalars(
                select(Callback)
                .where(*where, *conditions)
                .order_by(*(col.desc() if descending else col.asc() for col in columns))
                .limit(filter_.per + 1 - len(found))
                .options(*FOR_ROWS)
            )
            if len(found) > filter_.per:
                return found
    return found


# What a row needs.
FOR_ROWS = (
    *LIGHT,
    joinedload(Callback.account).joinedload(GatewayAccount.shop),
    joinedload(Callback.order),
    joinedload(Callback.asked_by),
)


def count_up_to(filter_: Filter, shop: Shop, limit: int = COUNTED) -> int:
    """How many it shows; `limit + 1` where there are more, for counting them all would read them all."""
    counted = 0
    for where in filter_.stretches(shop):
        some = select(Callback.id).where(*where).limit(limit + 1 - counted).subquery()
        counted += db.session.scalar(select(func.count()).select_from(some)) or 0
        if counted > limit:
            break
    return counted


def tab_counts(shop: Shop, unprocessed: int | None = None) -> dict[Tab, int]:
    """How many there are behind each tab, whatever the filter. `unprocessed`: where that is known already."""
    known = {} if unprocessed is None else {Tab.unprocessed: min(unprocessed, COUNTED + 1)}
    return {tab: known[tab] if tab in known else count_up_to(Filter(tab), shop) for tab in Tab}


def news_since(filter_: Filter, shop: Shop, then: datetime, limit: int = 100) -> int:
    """How many rows have come into the filter's view since then, up to `limit`.

    A callback comes among the unprocessed ones by arriving, or by an attempt of its own that was its last.
    """
    came: ColumnElement[bool] = Callback.received_at > then
    if filter_.tab in (Tab.unprocessed, Tab.decide):
        tried = exists().where(Attempt.callback_id == Callback.id, Attempt.at > then, Attempt.kind.in_(BY_ITSELF))
        came = or_(came, tried)
    some = select(Callback.id).where(*filter_.where(shop), came).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0
