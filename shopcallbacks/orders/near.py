"""Orders of a shop whose number is near the one a gateway gave: a few, by index, with no extension of PostgreSQL."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Index, func, literal_column, select, union_all

from ..domain.near import COMMON, Candidate, Near, Said, near
from ..extensions import db
from .order import Order

# So many of each kind are compared, and so many shown.
COMPARED, SHOWN = 20, 8
# Of a longer number only its start and its end are looked at: no order's is longer.
LONGEST = 100
_LAST = "\U0010ffff"

# `domain.near.loose` as PostgreSQL says it, nearly: what is found is compared again. By bytes, so that a beginning is a
# range, whatever the database's collation; and turned round, so that an end is one too.
_LOOSE: ColumnElement[str] = literal_column(
    """lower(replace("normalize"(number, 'NFKC'::text), ' '::text, ''::text)) COLLATE "C\""""
)
_REVERSED: ColumnElement[str] = func.reverse(_LOOSE)
Index("ix_orders_loose", Order.shop_id, _LOOSE)
Index("ix_orders_loose_end", Order.shop_id, _REVERSED)
Index(
    "ix_orders_email",
    Order.shop_id,
    func.lower(Order.customer_email),
    Order.amount_minor,
    postgresql_where=Order.customer_email.is_not(None),
)


def near_orders(shop_id: int, said: Said) -> list[tuple[Order, Near]]:
    """The shop's orders that may be meant, the likeliest first, each with the reason."""
    of_each = [
        select(Order.id).where(Order.shop_id == shop_id, wanted).order_by(*order).limit(COMPARED)
        for wanted, order in _kinds(said)
    ]
    if not of_each:
        return []
    ids = select(union_all(*(kind.subquery().select() for kind in of_each)).subquery().c.id)
    orders = {order.number: order for order in db.session.scalars(select(Order).where(Order.id.in_(ids)))}
    found = near(said, (Candidate(one.number, one.total, one.customer_email) for one in orders.values()))
    return [(orders[one.number], one) for one in found[:SHOWN]]


def _kinds(said: Said) -> list[tuple[ColumnElement[bool], tuple[ColumnElement[str], ...]]]:
    """What to look for, each by its index and in that index's order."""
    kinds: list[tuple[ColumnElement[bool], tuple[ColumnElement[str], ...]]] = []
    number = _loose(said.number) if said.number else ""
    start, end = number[:LONGEST], number[-LONGEST:]
    if number:
        kinds.append((_LOOSE.in_([start]), (_LOOSE,)))
    if len(number) >= COMMON:
        starts = [start[:length] for length in range(COMMON, len(start))]
        ends = [end[-length:] for length in range(COMMON, len(end))]
        kinds += [
            (_begins(_LOOSE, start), (_LOOSE,)),
            (_begins(_REVERSED, end[::-1]), (_REVERSED,)),
            (_LOOSE.in_(starts), (_LOOSE.desc(),)),  # the longest is the nearest
            (_LOOSE.in_(ends), (func.length(_LOOSE).desc(),)),
        ]
    if said.money and said.customer:
        same = func.lower(Order.customer_email) == func.lower(said.customer)
        same_sum = (Order.amount_minor == said.money.minor) & (Order.currency == said.money.currency)
        kinds.append((same & same_sum & Order.customer_email.is_not(None), (Order.id.desc(),)))  # type: ignore[arg-type]
    return kinds


def _loose(number: str) -> str:
    """By PostgreSQL itself: what `lower` makes of a letter is the database's own matter."""
    return (
        db.session.scalar(
            select(
                func.lower(func.replace(func.normalize(number.replace("\x00", ""), literal_column("NFKC")), " ", ""))
            )
        )
        or ""
    )


def _begins(what: ColumnElement[str], start: str) -> ColumnElement[bool]:
    return (what >= start) & (what < start + _LAST)
