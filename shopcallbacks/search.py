"""Free text: what a manager types into the one box, looked up in everything ever received.

Few fitting callbacks are collected by their ids, through an index each way they can fit. Many are not: then the
panel's own order is walked, and each row asked whether it fits, which has soon filled a page.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from urllib.parse import quote_plus

from sqlalchemy import BigInteger, ColumnElement, Select, and_, any_, cast, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from . import words
from .callbacks import Callback, State
from .errors import Reason
from .extensions import db
from .orders import Order
from .search_index import SearchEntry, unread
from .shops import GatewayAccount
from .terms import sought
from .values import Money, currencies_with

FEW = 5_000
SAMPLE, OFTEN = 1_000, 10  # so many of the latest hold the words: often enough to walk
FOUND = 200  # counted up to here where many fit
UNREAD = 10_000  # of those without an entry yet, so many are read through

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,4})?)(?:\s*([A-Za-z]{3}))?", re.ASCII)


def found_by(q: str, shop_id: int) -> ColumnElement[bool]:
    """Callbacks of the shop with that number, id or amount, for that reason, or with those words in them."""
    accounts = list(db.session.scalars(select(GatewayAccount).where(GatewayAccount.shop_id == shop_id)))
    ways = [
        Callback.order_number == q,
        Callback.transaction_id == q,
        and_(Callback.account_id.in_([account.id for account in accounts]), Callback.event_id == q),
        *_amounts(q),
        *_reasons(q, accounts),
    ]
    said, just_come = _said(q, shop_id), _just_come(q, shop_id)
    if said is None or not _often(said, shop_id):
        found = [select(Callback.id).where(Callback.shop_id == shop_id, way) for way in ways]
        if said is not None:
            found.append(select(SearchEntry.callback_id).where(said))
        ids = db.session.scalars(select(union_all(*found, just_come).subquery().c.id).limit(FEW + 1)).all()
        if len(ids) <= FEW:
            return Callback.id == any_(literal(sorted(set(ids)), ARRAY(BigInteger)))
    if said is not None:
        entry = and_(SearchEntry.shop_id == Callback.shop_id, SearchEntry.callback_id == Callback.id)
        ways.append(select(said).where(entry).correlate(Callback).scalar_subquery())
    return and_(Callback.shop_id == shop_id, or_(*ways, Callback.id.in_(just_come)))


def _said(q: str, shop_id: int) -> ColumnElement[bool] | None:
    """Entries that have all the words, each as the beginning of a term; None where `q` has no word."""
    wanted = " & ".join(f"'{shop_id}:{term}':*" for term in sought(q))
    return SearchEntry.terms.bool_op("@@")(cast(wanted, TSQUERY)) if wanted else None


def _often(said: ColumnElement[bool], shop_id: int) -> bool:
    """Whether the words are in so many of the latest that reading them out of the index is no good."""
    latest = select(said.label("fits")).where(SearchEntry.shop_id == shop_id)
    sample = latest.order_by(SearchEntry.callback_id.desc()).limit(SAMPLE).subquery()
    return (db.session.scalar(select(func.count()).select_from(sample).where(sample.c.fits)) or 0) >= OFTEN


def _just_come(q: str, shop_id: int) -> Select[int]:
    """Of the callbacks that have no entry yet those that hold all the words, wherever in them."""
    latest = (
        select(
            Callback.id,
            func.lower(func.encode(Callback.body, "escape")).label("body"),
            func.lower(func.encode(Callback.query, "escape")).label("query"),
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
        for word in q.split()
    )
    return select(latest.c.id).where(*holds)


def _spellings(word: str) -> list[str]:
    """The word as it stands in plain text, in forms and in JSON."""
    return sorted({word, quote_plus(word), json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]})


def _reasons(q: str, accounts: list[GatewayAccount]) -> list[ColumnElement[bool]]:
    """Reasons in whose headline, as the row shows it, all the words stand; one word alone says too little."""
    wanted = sought(q)
    if len(wanted) < 2:
        return []
    found = []
    for reason in Reason:
        ids = [
            account.id
            for account in accounts
            if _begins(wanted, sought(words.cause(reason, account.title, account.asks, "")))
        ]
        if ids:
            kept = Callback.state.in_([State.unprocessed, State.invalid])
            found.append(and_(kept, Callback.reason == reason, Callback.account_id.in_(ids)))
    return found


def _begins(wanted: list[str], headline: list[str]) -> bool:
    return all(any(word.startswith(start) for word in headline) for start in wanted)


def _amounts(q: str) -> list[ColumnElement[bool]]:
    """`59.90`, `59,90`, `1,420.00` or `12300 JPY` as conditions; none where it is no amount."""
    fitting = _AMOUNT.fullmatch(re.sub(r"(?<=\d),(?=\d{3}\b)", "", q).replace(",", "."))
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
