"""The panel's filter: read from an address, written back into one, and turned into the one query that all share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from ..callbacks.callback import Callback
from ..callbacks.claims import Claim
from ..callbacks.notes import Note
from ..clock import utcnow
from ..dashboard import causes, decisions, queue
from ..domain.errors import Conflict, Reason
from ..domain.states import Effect, State, Verb
from ..domain.values import read_id
from ..shops.accounts import GatewayAccount, Shop
from .days import read_day, span
from .hiding import is_it
from .search.search import Search, are_few, edge_of

PER_PAGE = (25, 50, 100)
# What a person decides about many payments at once.
DECIDING = (
    Verb.reopen,
    Verb.owe,
    Verb.accept,
    Verb.part,
    Verb.take_too,
    Verb.take_back,
    Verb.close,
    Verb.remove,
)
PROBLEMS = 5
NOBODY = "nobody"


class Tab(StrEnum):
    """What the panel shows, before any other filter. Each but `all` has its count."""

    unprocessed = "unprocessed"
    decide = "decide"
    waiting = "waiting"
    processed = "processed"
    invalid = "invalid"
    imported = "imported"
    all = "all"

    @property
    def waits(self) -> bool:
        """Something is still to come, by a person or by itself."""
        return self in (Tab.unprocessed, Tab.decide, Tab.waiting)

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What can be done to many behind it at once."""
        match self:
            case Tab.unprocessed | Tab.waiting:
                return (Verb.retry, Verb.force, Verb.close, Verb.remove)
            case Tab.decide:
                return DECIDING
            case Tab.processed:
                return (Verb.unowe, Verb.restore)
            case Tab.invalid:
                return (Verb.restore,)
            case Tab.imported:
                return (Verb.retry, Verb.remove)
            case Tab.all:
                return (Verb.retry, Verb.close, Verb.remove, Verb.restore)


class Sort(StrEnum):
    """By age, or by currency and amount; from the smaller on, with the minus from the larger."""

    youngest = "age"
    oldest = "-age"
    smallest = "amount"
    largest = "-amount"

    @property
    def by_amount(self) -> bool:
        return self in (Sort.smallest, Sort.largest)

    @property
    def descending(self) -> bool:
        """Of the column: the youngest have the latest time."""
        return self in (Sort.youngest, Sort.largest)


@dataclass(frozen=True)
class Filter:
    """What the panel shows. `problems`: a sentence for each value that could not be used and was left out.

    `on`: the id of the user who is on it, or `NOBODY`; `notes`: only what somebody wrote a note on;
    `alone`: the reason, where only what waits for it itself is shown, for nothing closer.
    """

    tab: Tab = Tab.unprocessed
    accounts: tuple[str, ...] = ()
    reason: Reason | None = None
    conflict: Conflict | None = None
    since: date | None = None
    until: date | None = None
    order: str | None = None
    q: str | None = None
    sort: Sort | None = None
    per: int = PER_PAGE[0]
    known: str | None = None
    on: str | None = None
    notes: bool = False
    alone: Reason | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_query(cls, query: str) -> Filter:
        """From a query string: `tab=unprocessed&reason=unclear`."""
        return cls.read(parse_qsl(query.removeprefix("?")))

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Filter:
        """From names and values as they stand in an address. Never raises; names it does not know are not its own."""
        problems: list[str] = []
        found: dict[str, Any] = {}
        for name, text in pairs:
            value = text.strip()
            if name not in _READERS or not value:
                continue
            key, reader = _READERS[name]
            try:
                read = reader(value)
            except ValueError as error:
                problems.append(f"{error} It was left out.")
                continue
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *read))) if key == "accounts" else read
        # Another reason or something closer ends it. Addresses of before say only that the reason is alone.
        if found.pop("alone", None) in (True, found.get("reason")) and "conflict" not in found:
            found["alone"] = found.get("reason")
        return cls(**found, problems=_few(problems))

    def but(self, **changes: Any) -> Filter:
        return replace(self, **changes)

    def at(self, shop: Shop) -> Filter:
        """For this shop: accounts it does not have are left out, with a sentence."""
        known = {account.slug for account in shop.accounts}
        problems = [
            f"There is no gateway account “{slug}” here. It was left out."
            for slug in self.accounts
            if slug not in known
        ]
        accounts = tuple(slug for slug in self.accounts if slug in known)
        return self.but(accounts=accounts, problems=_few([*self.problems, *problems]))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its own part of an address; what is as usual is left out."""
        usual = Filter()
        pairs = [("account", slug) for slug in self.accounts]
        for part in fields(self):
            value = getattr(self, part.name)
            if part.name not in ("accounts", "problems") and value != getattr(usual, part.name):
                pairs.append((_NAMES.get(part.name, part.name), "1" if value is True else str(value)))
        return pairs

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    @property
    def narrowed(self) -> bool:
        """Shows less than the whole tab."""
        return bool(
            self.accounts
            or self.reason
            or self.conflict
            or self.known
            or self.since
            or self.until
            or self.order
            or self.q
            or self.on
            or self.notes
        )

    @property
    def _of_a_cause(self) -> bool:
        return bool(self.reason or self.conflict or self.known)

    @property
    def sorting(self) -> Sort:
        """What waits has its oldest first; what is done its youngest."""
        return self.sort or (Sort.oldest if self.tab.waits else Sort.youngest)

    def where(self, shop: Shop) -> list[ColumnElement[bool]]:
        """The conditions, for `queue` and the indexes of `Callback` to answer fast."""
        return [*self.view(shop), *([search.fits()] if (search := self.search(shop)) else [])]

    def search(self, shop: Shop) -> Search | None:
        """What is looked up for it, kept for whoever asks several things of the same moment."""
        return Search(self.q, shop.id) if self.q else None

    def first(self, shop: Shop, search: Search) -> list[ColumnElement[bool]]:
        """Of `where` only what the search came upon first: some of many, in no order."""
        return [*self.view(shop), search.fits_first()]

    def stretches(
        self,
        shop: Shop,
        *,
        descending: bool = True,
        start: datetime | None = None,
        search: Search | None = None,
    ) -> Iterator[list[ColumnElement[bool]]]:
        """`where` in parts, one behind the other in time, to be read as far as it takes; from the start on, at least.

        There are parts where a search finds many among many: the first of a word that is common are the nearest rows.
        Anything else is one. `search`: its own, where that is at hand.
        """
        view, search = self.view(shop), search or self.search(shop)
        if search is None:
            yield view
            return
        if search.is_common and not self.sorting.by_amount:
            came, edge = Callback.received_at, edge_of(view, start, descending)
            if edge is None:
                yield [*view, search.fits_each()]
                return
            yield [*view, came >= edge if descending else came <= edge, search.fits_each()]
            view, start = [*view, came < edge if descending else came > edge], edge
        if self.sorting.by_amount or search.finds_few or are_few(select(Callback.id).where(*view)):
            yield [*view, search.fits()]
        else:
            for part in search.by_time(*span(self.since, self.until, shop.time_zone), start, descending):
                yield [*view, part]

    def view(self, shop: Shop) -> list[ColumnElement[bool]]:
        """`where`, but for what is searched for."""
        since, until = span(self.since, self.until, shop.time_zone)
        found = self._in_tab(shop)
        if since:
            found.append(Callback.received_at >= since)
        if until:
            found.append(Callback.received_at < until)
        if self.accounts:
            ids = select(GatewayAccount.id).where(
                GatewayAccount.shop_id == shop.id, GatewayAccount.slug.in_(self.accounts)
            )
            found.append(Callback.account_id.in_(ids))
        if self.reason:
            found.append(Callback.reason == self.reason)
        if self.conflict:
            found.append(Callback.conflict == self.conflict)
        if self.alone:
            found.append(Callback.conflict.is_(None))
        if self.known:
            found.append(causes.KNOWN.in_([self.known]))
        if self.on:
            live = Claim.live_ids(None if self.on == NOBODY else int(self.on))
            found.append(Callback.id.not_in(live) if self.on == NOBODY else Callback.id.in_(live))
        if self.notes:
            found.append(Callback.id.in_(select(Note.callback_id)))
        if self.order:
            found.append(is_it(Callback.order_number, self.order))
        return found

    def select(self, shop: Shop) -> Select[Callback]:
        """The callbacks it shows, in its order. Those without an amount come last where the amount is the order."""
        key = (Callback.currency, Callback.amount_minor) if self.sorting.by_amount else (Callback.received_at,)
        columns = [column.desc() if self.sorting.descending else column.asc() for column in (*key, Callback.id)]
        if self.sorting.by_amount:
            columns[0] = columns[0].nulls_last()
        return select(Callback).where(*self.where(shop)).order_by(*columns)

    def _in_tab(self, shop: Shop) -> list[ColumnElement[bool]]:
        match self.tab:
            case Tab.unprocessed:
                return [queue.needs_a_person(shop.id, utcnow())]
            case Tab.decide:
                return [decisions.undecided(shop.id, utcnow())]
            case Tab.waiting:
                return [queue.waits(shop.id, utcnow())]
            case Tab.imported if self._of_a_cause:
                return [false()]  # nobody has looked at it
            case Tab.processed if self._of_a_cause:
                return [Callback.shop_id == shop.id, *_DEALT_WITH]
            case Tab.processed:
                return [Callback.shop_id == shop.id, Callback.state == State.processed]
            case Tab.invalid:
                return [Callback.shop_id == shop.id, Callback.state == State.invalid]
            case Tab.imported:
                return [Callback.shop_id == shop.id, Callback.state == State.imported]
            case Tab.all if self._of_a_cause:  # so that the rare ones are not looked for among all that is processed
                some = or_(Callback.state.in_([State.unprocessed, State.invalid]), and_(*_DEALT_WITH))
                return [Callback.shop_id == shop.id, some]
            case Tab.all:
                return [Callback.shop_id == shop.id]


# The only ones that are processed and still say what was wrong.
_DEALT_WITH = (Callback.state == State.processed, Callback.effect == Effect.closed)


def _few(problems: Iterable[str]) -> tuple[str, ...]:
    """Each once, and no more than anybody reads."""
    return tuple(dict.fromkeys(problems))[:PROBLEMS]


def _one_of(what: str, kind: type[StrEnum]) -> Any:
    def read(value: str) -> Any:
        if value not in list(kind):
            raise ValueError(f"There is no {what} “{value[:40]}”.")
        return kind(value)

    return read


def _text(value: str) -> str:
    value = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in value)
    if len(value) > 200 or not value.isprintable():
        raise ValueError("What you looked for can't be looked for: up to 200 letters, digits and signs.")
    return value


def _known(value: str) -> str:
    """As `queue.KNOWN` wrote it."""
    if len(value) > 150 or "\x00" in value:
        raise ValueError("There is no such cause.")
    return value


def _on(value: str) -> str:
    if value != NOBODY and read_id(value) is None:
        raise ValueError(f"There is nobody “{value[:40]}”.")
    return value


def _yes(value: str) -> bool:
    if value not in ("1", "True"):
        raise ValueError(f"“{value[:40]}” is not understood.")
    return True


def _alone(value: str) -> Any:
    return value in ("1", "True") or _one_of("reason", Reason)(value)


def _accounts(value: str) -> Sequence[str]:
    return [_text(slug) for slug in value.split(",") if slug]


def _per(value: str) -> int:
    if value not in map(str, PER_PAGE):
        raise ValueError(f"“{value[:40]}” rows can't be shown at once: {', '.join(map(str, PER_PAGE))}.")
    return int(value)


# name in the address: (name in the filter, how to read it)
_READERS: Mapping[str, tuple[str, Any]] = {
    "tab": ("tab", _one_of("tab", Tab)),
    "account": ("accounts", _accounts),
    "reason": ("reason", _one_of("reason", Reason)),
    "conflict": ("conflict", _one_of("conflict", Conflict)),
    "known": ("known", _known),
    "from": ("since", read_day),
    "to": ("until", read_day),
    "on": ("on", _on),
    "notes": ("notes", _yes),
    "alone": ("alone", _alone),
    "order": ("order", _text),
    "q": ("q", _text),
    "sort": ("sort", _one_of("order of rows", Sort)),
    "per": ("per", _per),
}
_NAMES = {key: name for name, (key, _) in _READERS.items()}
NAMES = tuple(_READERS)
