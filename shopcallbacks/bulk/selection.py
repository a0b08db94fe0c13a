"""What a bulk run is about: rows picked by hand, or all that a filter shows and the verb can be done to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from ..callbacks.callback import Callback
from ..domain.states import Verb
from ..domain.values import read_id
from ..extensions import db
from ..panel.filter import Filter
from ..shops.accounts import Shop

PICKED = 1000


@dataclass(frozen=True)
class Selection:
    """`ids` None: all that the filter shows. Rows picked by hand are taken whatever has become of them since."""

    filter: Filter
    ids: tuple[int, ...] | None = None

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]], shop: Shop) -> Selection:
        """From a form: `all`, or the `id`s ticked; `page` with the ids `shown` there. Never raises."""
        pairs = list(pairs)
        values = dict(pairs)
        filter_ = Filter.read(pairs).at(shop)
        if values.get("all"):
            return cls(filter_)
        texts = [value for name, value in pairs if name == "id"]
        if values.get("page"):
            texts = values.get("shown", "").split(",")
        ids = dict.fromkeys(id_ for id_ in map(read_id, texts) if id_ is not None)
        return cls(filter_, tuple(ids)[:PICKED])

    @property
    def left_out(self) -> tuple[str, ...]:
        """A sentence for each part of its filter that could not be used: without them it is more than was meant."""
        return self.filter.problems if self.ids is None else ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What `read` reads."""
        if self.ids is None:
            return [*self.filter.pairs, ("all", "1")]
        return [*self.filter.pairs, *(("id", str(id_)) for id_ in self.ids)]

    def where(self, verb: Verb, shop: Shop) -> list[ColumnElement[bool]]:
        if self.ids is None:
            return [*self.filter.where(shop), self._allowed(verb)]
        return [Callback.shop_id == shop.id, Callback.id.in_(self.ids)]

    def _allowed(self, verb: Verb) -> ColumnElement[bool]:
        """Where it waits, its state is known twice: as a condition that the planner sees through, it would take the
        rows for few, and read each of them instead of the queue's index.
        """
        allowed = Callback.allows(verb)
        return func.coalesce(allowed, False) if self.filter.tab.waits else allowed

    def count(self, verb: Verb, shop: Shop) -> int:
        return db.session.scalar(select(func.count()).select_from(Callback).where(*self.where(verb, shop))) or 0

    def first(self, verb: Verb, shop: Shop, limit: int | None = None) -> list[int]:
        """The ids of the first ones, or of all, in the order of the run: the oldest first."""
        found = select(Callback.id).where(*self.where(verb, shop)).order_by(Callback.received_at, Callback.id)
        return list(db.session.scalars(found.limit(limit)))
