"""Pages of the panel by keyset: each starts behind a row, so that page 40,000 costs what the first one costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from ..callbacks.callback import LIGHT, Callback
from ..domain.values import read_id
from ..extensions import db
from ..sets import among
from ..shops.accounts import GatewayAccount, Shop
from .counts import count_up_to, counted
from .filter import Filter
from .search.search import Search

NUMBERED = 1_000  # rows before one, and among how many, on its own page


# A row's place: its time, or its currency and amount, and its id; the id alone for one without an amount.
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Cursor:
    """The row a page starts behind (`onward`) or ends before: its time or amount (`EUR 5990`), and its id."""

    onward: bool
    at: str
    id: int

    @classmethod
    def read(cls, text: str, onward: bool) -> Cursor | None:
        """None for what no page has written."""
        at, _, id_ = text.rpartition("~")
        number = read_id(id_)
        return cls(onward, at, number) if number is not None else None

    def key(self, by_amount: bool) -> Key | None:
        """The row's place; None where it does not fit the order of the rows."""
        place = (_amount(self.at) if self.at else ()) if by_amount else _moment(self.at)
        return None if place is None else (*place, self.id)


def _moment(text: str) -> tuple[datetime] | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment,) if moment.tzinfo else None


def _amount(text: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"([A-Z]{3}) (-?\d{1,18})", text, re.ASCII)
    return (found[1], int(found[2])) if found else None


@dataclass(frozen=True)
class Page:
    """Some rows, and the addresses' ends of the pages before and after them, None where there is none."""

    callbacks: Sequence[Callback]
    before: str | None
    after: str | None


def page_of(filter_: Filter, shop: Shop, cursor: Cursor | None = None, search: Search | None = None) -> Page:
    """The page behind the cursor, the first one without. `search`: the filter's own, where that is at hand."""
    by_amount = filter_.sorting.by_amount
    start = cursor.key(by_amount) if cursor else None
    onward = cursor is None or start is None or cursor.onward
    found = _fetch(filter_, shop, start, onward, search)
    more = len(found) > filter_.per
    shown = found[: filter_.per] if onward else found[: filter_.per][::-1]
    has_before = start is not None if onward else more
    has_after = more if onward else True
    return Page(
        shown,
        _text(shown[0], by_amount) if shown and has_before else None,
        _text(shown[-1], by_amount) if shown and has_after else None,
    )


@dataclass(frozen=True)
class Place:
    """Where a callback stands among what a filter shows: the ids before and behind it, and its number among `total`.

    `number` None: it is not shown (any more), or stands further back than is counted.
    """

    before: int | None
    behind: int | None
    number: int | None
    total: int


def place_of(callback: Callback, filter_: Filter, shop: Shop, limit: int = NUMBERED) -> Place:
    """Costs what a page and `limit` rows cost, wherever it stands."""
    key = _key(callback, filter_.sorting.by_amount)
    one = filter_.but(per=1)
    before, behind = (next(iter(_fetch(one, shop, key, onward)), None) for onward in (False, True))
    shown = db.session.scalar(select(Callback.id).where(Callback.id == callback.id, *filter_.where(shop)))
    number = 1 + counted(_walk(filter_, shop, key, onward=False), limit) if shown else None
    return Place(
        before.id if before else None,
        behind.id if behind else None,
        number if number and number <= limit else None,
        count_up_to(filter_, shop, limit),
    )


def _key(callback: Callback, by_amount: bool) -> Key:
    if not by_amount:
        return callback.received_at, callback.id
    return (callback.id,) if callback.amount_minor is None else (callback.currency, callback.amount_minor, callback.id)


def _text(callback: Callback, by_amount: bool) -> str:
    """The cursor's text."""
    if by_amount:
        *amount, id_ = _key(callback, by_amount)
        return f"{' '.join(map(str, amount))}~{id_}"
    return f"{callback.received_at.isoformat()}~{callback.id}"


def _fetch(
    filter_: Filter, shop: Shop, start: Key | None, onward: bool, search: Search | None = None
) -> list[Callback]:
    """One row more than a page. Their ids first: where few fit an index looks through many for them, and the rows of
    all these would be read besides.
    """
    ids: list[int] = []
    for wanted in _walk(filter_, shop, start, onward, search):
        ids += db.session.scalars(wanted.with_only_columns(Callback.id).limit(filter_.per + 1 - len(ids)))
        if len(ids) > filter_.per:
            break
    rows = select(Callback).where(among(Callback.id, "ids")).options(*FOR_ROWS)
    found = {callback.id: callback for callback in db.session.scalars(rows, {"ids": ids})}
    return [found[id_] for id_ in ids]


def _walk(
    filter_: Filter, shop: Shop, start: Key | None, onward: bool, search: Search | None = None
) -> Iterator[Select[Callback]]:
    """All behind the start (or before it, going back), as queries one behind the other."""
    descending = filter_.sorting.descending is onward
    moment = start[0] if start and not filter_.sorting.by_amount else None
    for stretch in _by_amount(start, onward) if filter_.sorting.by_amount else [_by_time(start)]:
        for where in filter_.stretches(shop, descending=descending, start=moment, search=search):
            yield stretch.select(where, descending)


@dataclass(frozen=True)
class _Stretch:
    """Rows that have an order among each other. `start`: the key of the row to go on behind, if it is one of them."""

    key: tuple[InstrumentedAttribute[Any], ...]
    start: tuple[Any, ...] | None
    conditions: tuple[ColumnElement[bool], ...] = ()

    def select(self, where: list[ColumnElement[bool]], descending: bool) -> Select[Callback]:
        wanted = select(Callback).where(*where, *self.conditions)
        if self.start is not None:
            values = (literal(value, column.type) for value, column in zip(self.start, self.key, strict=True))
            here, start = tuple_(*self.key), tuple_(*values)
            wanted = wanted.where(here < start if descending else here > start)
        order = (column.desc() if descending else column.asc() for column in self.key)
        return wanted.order_by(*order)


def _by_time(start: Key | None) -> _Stretch:
    return _Stretch((Callback.received_at, Callback.id), start)


def _by_amount(start: Key | None, onward: bool) -> list[_Stretch]:
    """First those with an amount, by currency, for 100 JPY are not more than 99 EUR; then those without. What lies
    before the start is left out.
    """
    has_amount, key = Callback.amount_minor, (Callback.currency, Callback.amount_minor, Callback.id)
    starts_with, starts_without = (start, None) if start and len(start) > 1 else (None, start)
    with_amount = _Stretch(key, starts_with, (has_amount.is_not(None),))
    without = _Stretch((Callback.id,), starts_without, (has_amount.is_(None),))
    first, second = (with_amount, without) if onward else (without, with_amount)
    return [first, second] if second.start is None else [second]


# What a row needs.
FOR_ROWS = (
    *LIGHT,
    joinedload(Callback.account).joinedload(GatewayAccount.shop),
    joinedload(Callback.order),
    joinedload(Callback.asked_by),
)
