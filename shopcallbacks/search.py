"""Free text: what a manager types into the one box, looked up where an index answers, and in the latest payloads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import quote_plus

from sqlalchemy import ColumnElement, and_, func, or_, select, union_all

from .callbacks import Callback
from .orders import Order
from .shops import GatewayAccount
from .values import Money, currencies_with

# Numbers and ids are looked up among all callbacks. Parts of texts can't be: they are looked for in so many, the latest
# that the rest of the filter lets through. The screen says so.
READ_THROUGH = 10_000

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,4})?)(?:\s*([A-Za-z]{3}))?", re.ASCII)


def found_by(q: str, shop_id: int, filters: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Callbacks with that order number, transaction, event or amount, or that text in them."""
    accounts = select(GatewayAccount.id).where(GatewayAccount.shop_id == shop_id)
    exact = (
        and_(Callback.shop_id == shop_id, Callback.order_number == q),
        and_(Callback.shop_id == shop_id, Callback.transaction_id == q),
        and_(Callback.account_id.in_(accounts), Callback.event_id == q),
        *(and_(Callback.shop_id == shop_id, of_amount) for of_amount in _amounts(q)),
    )
    latest = (
        select(
            Callback.id,
            Callback.query,
            Callback.body,
            func.concat_ws(
                "\n",
                Callback.order_number,
                Callback.transaction_id,
                Callback.event_id,
                Callback.customer,
                Order.customer_email,
            ).label("texts"),
        )
        .outerjoin(Order, Order.id == Callback.order_id)
        .where(*filters)
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(READ_THROUGH)
        .subquery()
    )
    holds = or_(
        func.strpos(func.lower(latest.c.texts), func.lower(q)) > 0,
        *(
            func.pg_catalog.position(column, func.convert_to(spelling, "UTF8")) > 0
            for column in (latest.c.body, latest.c.query)
            for spelling in _spellings(q)
        ),
    )
    ids = union_all(*(select(Callback.id).where(one) for one in exact), select(latest.c.id).where(holds))
    return Callback.id.in_(ids)


def _spellings(q: str) -> list[str]:
    """The text as it stands in plain text, in forms and in JSON."""
    return sorted({q, quote_plus(q), json.dumps(q)[1:-1], json.dumps(q, ensure_ascii=False)[1:-1]})


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
