"""How many rows there are: what a filter shows, what stands behind each tab, and what has come since.

Nothing is counted for longer than anybody reads the number: there is a limit, and one more says that there are more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain, islice

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback
from ..dashboard.glance import Glance
from ..dashboard.queue import put_back_since
from ..domain.states import BY_ITSELF, AttemptKind
from ..extensions import db
from ..shops.accounts import Shop
from .filter import Filter, Tab
from .search.search import FEW, FOUND, Search

COUNTED = 10_000
# To look at so many takes less time than to find out tab by tab that it holds fewer than `FOUND`.
AT_FIRST = 20_000
# Each callback stands behind one of these.
EACH_ONCE = (Tab.unprocessed, Tab.waiting, Tab.processed, Tab.invalid, Tab.imported)
# `Tab.all` is their sum.
_COUNTED_TABS = [tab for tab in Tab if tab is not Tab.all]
# Attempts of other kinds are made of what is there already.
COMES_BY = (*BY_ITSELF, AttemptKind.unowed)


def count_up_to(
    filter_: Filter, shop: Shop, limit: int = COUNTED, search: Search | None = None, at_first: int | None = None
) -> int:
    """How many it shows; `limit + 1` where there are more, for counting them all would read them all.

    Of many that a search finds those that it came upon first are often enough, wherever they lie; of those that are
    common the nearest. `at_first`: so many of the former, where that is known.
    """
    search = search or filter_.search(shop)
    parts = (select(Callback).where(*where) for where in filter_.stretches(shop, search=search))
    if search is None:
        return counted(parts, limit)
    nearest, more = 0, list[Select[Callback]]()
    if search.is_common:
        nearest, more = counted(islice(parts, 1), limit), list(islice(parts, 1))
        if nearest > limit or not more:
            return nearest
    if limit < FEW and not search.finds_few:
        if at_first is None:
            at_first = counted([select(Callback).where(*filter_.first(shop, search))], limit)
        if at_first > limit:
            return at_first
    return nearest + counted(chain(more, parts), limit - nearest)


def counted(parts: Iterable[Select[Callback]], limit: int) -> int:
    """Of queries one behind the other, up to the limit and one more."""
    found = 0
    for part in parts:
        some = part.with_only_columns(Callback.id).limit(limit + 1 - found).subquery()
        found += db.session.scalar(select(func.count()).select_from(some)) or 0
        if found > limit:
            break
    return found


def tab_counts(
    shop: Shop, q: str | None = None, glance: Glance | None = None, search: Search | None = None
) -> dict[Tab, int]:
    """How many there are behind each tab, of what is searched for (up to `FOUND`) or of all, whatever else the filter
    says. `glance`: what it knows of the queue is not counted again.
    """
    search, limit = (search or Search(q, shop.id), FOUND) if q is not None else (None, COUNTED)
    known: dict[Tab, int] = {}
    if glance:
        known = {Tab.unprocessed: glance.count, Tab.decide: glance.to_decide, Tab.waiting: glance.on_their_way}
    at_first, are_all = _counts_at_first(search, shop) if search and not search.is_common else ({}, False)
    if are_all:
        counts = at_first
    else:
        counts = {tab: count for tab, count in known.items() if not search or count == 0}
        for tab in (tab for tab in _COUNTED_TABS if tab not in counts):
            counts[tab] = count_up_to(Filter(tab, q=q), shop, limit, search, at_first.get(tab))
    counts[Tab.all] = sum(counts[tab] for tab in EACH_ONCE)
    return {tab: min(count, limit + 1) for tab, count in counts.items()}


def _counts_at_first(search: Search, shop: Shop) -> tuple[dict[Tab, int], bool]:
    """Of what the search comes upon first, by tab, in one look; and whether that is all of it."""
    first = search.first(AT_FIRST).cte("first")
    are_all = select(func.count() <= AT_FIRST).select_from(first).scalar_subquery()
    some = select(first.c[0]).limit(case((are_all, AT_FIRST), else_=FEW))
    each = (func.count().filter(*Filter(tab).view(shop)).label(tab) for tab in _COUNTED_TABS)
    row = db.session.execute(select(are_all.label("are_all"), *each).where(Callback.id.in_(some))).one()
    return {tab: row._mapping[tab] for tab in _COUNTED_TABS}, row.are_all


def news_since(filter_: Filter, shop: Shop, then: datetime, shown: Collection[int] = (), limit: int = 100) -> int:
    """How many rows have come into the filter's view since then, beside those `shown` there, up to `limit`.

    A callback comes among the unprocessed ones by arriving, by an attempt of its own that was its last, or back, by a
    person.
    """
    came: ColumnElement[bool] = Callback.received_at > then
    if filter_.tab in (Tab.unprocessed, Tab.decide):
        tried = exists().where(Attempt.callback_id == Callback.id, Attempt.at > then, Attempt.kind.in_(COMES_BY))
        came = or_(came, tried, put_back_since(then))
    some = select(Callback.id).where(*filter_.where(shop), came, Callback.id.not_in(shown)).limit(limit).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0
