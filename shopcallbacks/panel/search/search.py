"""Free text: what a manager types into the one box, looked up in everything ever received.

A few fitting callbacks are collected by their ids, through an index each way they can fit. Many are not: then the
panel's own order is walked, and each row asked whether it fits, which has soon filled a page. Where that is an order of
time, only the weeks are walked in which many fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from ...callbacks.callback import Callback
from ...callbacks.requests import KeptBody
from ...dashboard.queue import in_queue
from ...domain.errors import Conflict, Reason
from ...domain.states import State
from ...domain.values import Money, currencies_with
from ...extensions import db
from ...orders.order import Order
from ...shops.accounts import GatewayAccount
from ...words import reasons
from ...words.masking import mask
from ..hiding import is_it
from .index import EPOCH, WEEK, SearchEntry, read_terms, unread, week_of
from .terms import sought, words_of

FEW = 2_000
PROBED, COMMON = 200, 20  # what one in twenty of the latest two hundred have is common
FOUND = 200  # counted up to here where many fit
UNREAD = 10_000  # of those without an entry yet, so many are looked into
SHORTEST = 4  # letters of a word that is looked for in what is known of what waits
READ = 500  # and of those that hold the words, so many are read

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,4})?)(?:\s*([A-Za-z]{3}))?", re.ASCII)


class Search:
    """Callbacks of the shop with that number, id or amount, for that reason, or with those words in them."""

    def __init__(self, q: str, shop_id: int) -> None:
        accounts = list(db.session.scalars(select(GatewayAccount).where(GatewayAccount.shop_id == shop_id)))
        self._shop_id = shop_id
        self._found: dict[range, list[int]] = {}
        sums = _amounts(q)
        self._words = [] if _is_sum(q) else sought(q)
        self._ways = [
            is_it(Callback.order_number, q),
            is_it(Callback.transaction_id, q),
            and_(Callback.account_id.in_([account.id for account in accounts]), is_it(Callback.event_id, q)),
            *sums,
            *_reasons(self._words, accounts),
            *_details(self._words, shop_id),
            _one_of(_just_come(q, shop_id) if self._words else []),
        ]

    @property
    def finds_few(self) -> bool:
        return self._ids is not None

    def fits_first(self) -> ColumnElement[bool]:
        """A few more than few of those that fit: the first that were come upon, whenever they came."""
        return _one_of(self._found_in(self._weeks))

    @cached_property
    def is_common(self) -> bool:
        """Whether many of the latest hold the words: then enough of the nearest rows may do."""
        if not self._words:
            return False
        latest = select(SearchEntry.week, SearchEntry.terms).where(SearchEntry.shop_id == self._shop_id)
        probe = latest.order_by(SearchEntry.callback_id.desc()).limit(PROBED).subquery()
        holds = func.count().filter(self._holds(probe.c.terms, probe.c.week))
        return (db.session.scalar(select(holds).select_from(probe)) or 0) * COMMON >= PROBED

    def fits(self) -> ColumnElement[bool]:
        return self._fits_in(self._weeks, self._ids)

    def fits_each(self) -> ColumnElement[bool]:
        """The same, and each row is asked."""
        return self._fits_in(self._weeks, None)

    def by_time(
        self, since: datetime | None, until: datetime | None, start: datetime | None, descending: bool
    ) -> Iterator[ColumnElement[bool]]:
        """`fits` in parts, one behind the other from the start on, each of some weeks in which something fits.

        Each time twice as many weeks are looked at: the first that hold something are soon found, and so are the last.
        """
        first = max(self._weeks.start, week_of(since)) if since else self._weeks.start
        stop = min(self._weeks.stop, week_of(until) + 1) if until else self._weeks.stop
        left, step = range(first, stop), 1
        if descending:
            left = left[::-1]
        if start and week_of(start) in left:
            left = left[left.index(week_of(start)) :]
        while left:
            yield from self._parts(left[:step])
            left, step = left[step:], 2 * step

    def _parts(self, weeks: range) -> Iterator[ColumnElement[bool]]:
        ids, half = self._ids_in(weeks), len(weeks) // 2
        if ids is None and half:
            yield from self._parts(weeks[:half])
            yield from self._parts(weeks[half:])
        elif ids != []:
            yield self._fits_in(weeks, ids)

    @cached_property
    def _weeks(self) -> range:
        """All the shop's callbacks came in."""
        came = select(func.min(Callback.received_at), func.max(Callback.received_at))
        first, last = db.session.execute(came.where(Callback.shop_id == self._shop_id)).one()
        return range(week_of(first), week_of(last) + 1) if first else range(0)

    @cached_property
    def _ids(self) -> list[int] | None:
        return self._ids_in(self._weeks)

    def _ids_in(self, weeks: range) -> list[int] | None:
        """Those that fit; None where they are more than a few."""
        found = self._found_in(weeks)
        return sorted(set(found)) if len(found) <= FEW else None

    def _found_in(self, weeks: range) -> list[int]:
        """One more than a few where more fit. Some may stand there twice."""
        if weeks not in self._found:
            self._found[weeks] = _first(self._of(weeks))
        return self._found[weeks]

    def first(self, limit: int) -> Select[int]:
        """Those that are come upon first, so many and one more where there are more. Some may stand there twice."""
        if self._ids is not None:
            return select(func.unnest(literal(self._ids, ARRAY(BigInteger))).label("id")).limit(limit + 1)
        return self._of(self._weeks).limit(limit + 1)

    def _of(self, weeks: range) -> Select[int]:
        each = func.unnest(literal(list(weeks), ARRAY(BigInteger))).table_valued("week").render_derived()
        said = select(SearchEntry.callback_id).select_from(each).join(SearchEntry, self._said(each.c.week))
        known = (select(Callback.id).where(*self._came_in(weeks), way) for way in self._ways)
        found = union_all(said, *known).subquery()
        return select(found.c[0])

    def _fits_in(self, weeks: range, ids: list[int] | None) -> ColumnElement[bool]:
        if ids is not None:
            return _one_of(ids)
        entry = and_(SearchEntry.shop_id == Callback.shop_id, SearchEntry.callback_id == Callback.id)
        said = select(self._said(SearchEntry.week)).where(entry).correlate(Callback).scalar_subquery()
        return and_(*self._came_in(weeks), or_(*self._ways, said))

    def _came_in(self, weeks: range) -> list[ColumnElement[bool]]:
        first, stop = (EPOCH + week * WEEK for week in (min(weeks, default=0), max(weeks, default=0) + 1))
        return [Callback.shop_id == self._shop_id, Callback.received_at >= first, Callback.received_at < stop]

    def _said(self, week: SQLColumnExpression[int]) -> ColumnElement[bool]:
        """Entries of that week that have all the words, each as the beginning of a term."""
        return self._holds(SearchEntry.terms, week)

    def _holds(self, terms: SQLColumnExpression[Any], week: SQLColumnExpression[int]) -> ColumnElement[bool]:
        if not self._words:
            return false()
        each = [func.concat(f"'{self._shop_id}.", cast(week, Text), f":{word}':*") for word in self._words]
        return terms.bool_op("@@")(cast(func.concat_ws(" & ", *each), TSQUERY))


def are_few(ids: Select[int]) -> bool:
    return len(_first(ids)) <= FEW


def _first(ids: Select[int]) -> list[int]:
    return list(db.session.scalars(ids.limit(FEW + 1)))


def edge_of(view: list[ColumnElement[bool]], start: datetime | None, descending: bool) -> datetime | None:
    """When the first few rows of the view came, the start's and what lies behind it; None where there are no more."""
    came = Callback.received_at
    behind = [came <= start if descending else came >= start] if start is not None else []
    order = came.desc() if descending else came.asc()
    edge: datetime | None = db.session.scalar(select(came).where(*view, *behind).order_by(order).offset(FEW).limit(1))
    return edge


def _one_of(ids: Iterable[int]) -> ColumnElement[bool]:
    return Callback.id == any_(literal(list(ids), ARRAY(BigInteger)))


def _just_come(q: str, shop_id: int) -> list[int]:
    """Of the callbacks that have no entry yet those that will be found once they have, the newest of them."""
    wanted = sought(q)
    held = db.session.scalars(_holding(words_of(q), shop_id)).all() if wanted else []
    return [one.id for one in read_terms(held) if _begins(wanted, one.terms)]


def _holding(words: list[str], shop_id: int) -> Select[int]:
    """Callbacks without an entry that hold all the words, wherever in them. Some in what is hidden: read them first."""
    latest = (
        select(
            Callback.id,
            func.lower(func.encode(KeptBody.body, "escape")).label("body"),
            func.lower(func.encode(KeptBody.query, "escape")).label("query"),
            func.lower(
                func.concat_ws(
                    "\n",
                    Callback.order_number,
                    Callback.transaction_id,
                    Callback.event_id,
                    Callback.customer,
                    Order.customer_email,
                )
            ).label("texts"),
        )
        .outerjoin(KeptBody, KeptBody.of(Callback))
        .outerjoin(Order, Order.id == Callback.order_id)
        .where(Callback.shop_id == shop_id, unread())
        .order_by(Callback.id.desc())
        .limit(UNREAD)
        .subquery()
    )
    holds = (
        or_(
            func.strpos(latest.c.texts, word.lower()) > 0,
            *(
                func.strpos(column, func.lower(func.encode(func.convert_to(spelling, "UTF8"), "escape"))) > 0
                for column in (latest.c.body, latest.c.query)
                for spelling in _spellings(word)
            ),
        )
        for word in words
    )
    return select(latest.c.id).where(*holds).order_by(latest.c.id.desc()).limit(READ)


def _spellings(word: str) -> list[str]:
    """The word as it stands in plain text, in forms and in JSON."""
    return sorted({word, quote_plus(word), json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]})


def _reasons(wanted: list[str], accounts: list[GatewayAccount]) -> list[ColumnElement[bool]]:
    """Reasons in whose headline, as the row shows it, all the words stand; one word alone says too little."""
    if len(wanted) < 2:
        return []
    found = []
    causes = [(reason, None) for reason in Reason] + [(conflict.reason, conflict) for conflict in Conflict]
    for reason, conflict in causes:
        ids = [
            account.id
            for account in accounts
            if _begins(wanted, sought(reasons.cause(reason, conflict, account.title, account.asks)))
        ]
        if ids:
            kept = Callback.state.in_([State.unprocessed, State.invalid])
            closer = Callback.conflict == conflict if conflict else Callback.conflict.is_(None)
            found.append(and_(kept, Callback.reason == reason, closer, Callback.account_id.in_(ids)))
    return found


def _details(wanted: list[str], shop_id: int) -> list[ColumnElement[bool]]:
    """What waits, by words of the line below its reason. It is read through, so only what is queued is."""
    if not wanted or any(len(word) < SHORTEST or mask(word) != word or not word.isalpha() for word in wanted):
        return []
    return [and_(in_queue(shop_id), *(func.strpos(func.lower(Callback.detail), word) > 0 for word in wanted))]


def _begins(wanted: list[str], said: list[str]) -> bool:
    return all(any(word.startswith(start) for word in said) for start in wanted)


def _is_sum(q: str) -> bool:
    """Digits with decimals or a currency can only be meant as a sum; whole digits may be part of any number."""
    return _AMOUNT.fullmatch(_plain(q)) is not None and not q.replace(" ", "").isdigit()


def _plain(q: str) -> str:
    """The amount without separators of thousands, and with a point; whichever language wrote it."""
    q = re.sub(r"(?<=\d)[ '’](?=\d{3}\b)", "", q)
    if re.match(r"\d{1,3}(\.\d{3})+,", q):
        return q.replace(".", "").replace(",", ".")
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", q).replace(",", ".")


def _amounts(q: str) -> list[ColumnElement[bool]]:
    """`59.90`, `59,90`, `1,420.00`, `1.420,00`, `1 420,00` or `12300 JPY` as conditions; none where it is no amount."""
    fitting = _AMOUNT.fullmatch(_plain(q))
    if fitting is None:
        return []
    number, code = Decimal(fitting[1]), (fitting[2] or "").upper()
    if code:
        money = Money.of(number, code)
        return [and_(Callback.amount_minor == money.minor, Callback.currency == code)] if money else []
    found = []
    for decimals in (0, 2, 3):
        minor = number.scaleb(decimals)
        if minor == int(minor):
            known = Callback.currency.in_(currencies_with(decimals))
            if decimals == 2:
                known = Callback.currency.not_in(currencies_with(0) + currencies_with(3) + currencies_with(4))
            found.append(and_(Callback.amount_minor == int(minor), known))
    return found
