"""A shop's statement of a day or a month: what its ledger booked, in each currency, and what it owed at the end.

Sums are of money as it moved, in its own currency, and never over currencies. Test payments don't count.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy import union_all as both

from ..domain.states import Entry
from ..domain.values import Money
from ..extensions import db
from ..orders.ledger import VOID, LedgerRow
from ..orders.order import Order
from ..shops.accounts import GatewayAccount, Shop
from ..words.statement import FIGURES
from .days import read_day, span
from .download import table
from .download.table import Table

PAGE = 100


@dataclass(frozen=True)
class Period:
    """A day, or a month from its first day to its last."""

    since: date
    until: date

    @classmethod
    def day(cls, day: date) -> Period:
        return cls(day, day)

    @classmethod
    def month(cls, day: date) -> Period:
        """The one that the day is in."""
        return cls(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))

    @classmethod
    def read(cls, day: str, month: str, today: date) -> Period:
        """From an address, where the month is like 2026-11; this month where it names none. `ValueError` with a
        sentence.
        """
        if day:
            return cls.day(read_day(day))
        if not month:
            return cls.month(today)
        try:
            return cls.month(read_day(f"{month}-01"))
        except ValueError:
            raise ValueError(f"“{month[:40]}” is not a month like 2026-11.") from None

    @property
    def is_day(self) -> bool:
        return self.since == self.until

    @property
    def previous(self) -> Period:
        return self._beside(self.since - timedelta(days=1))

    @property
    def next(self) -> Period:
        return self._beside(self.until + timedelta(days=1))

    @property
    def pairs(self) -> dict[str, str]:
        """Its part of an address."""
        return {"day": f"{self.since}"} if self.is_day else {"month": f"{self.since:%Y-%m}"}

    def _beside(self, day: date) -> Period:
        return Period.day(day) if self.is_day else Period.month(day)


class Figure(StrEnum):
    came_in = "came_in"
    taken_out = "taken_out"
    given_back = "given_back"
    failed = "failed"
    charged_back = "charged_back"
    won = "won"
    owed = "owed"


def _told(entry: Entry) -> ColumnElement[int]:
    return case((and_(LedgerRow.entry == entry, not_(VOID)), LedgerRow.minor), else_=0)


# By how much a booking adds to each figure of a period. What a person settled was given back then, and the refund of it
# that a gateway tells later is no other.
MOVES: Mapping[Figure, ColumnElement[int]] = {
    Figure.came_in: _told(Entry.payment),
    Figure.taken_out: _told(Entry.withdrawal),
    Figure.given_back: _told(Entry.refund) + LedgerRow.settled,
    Figure.failed: _told(Entry.refund_failure),
    Figure.charged_back: _told(Entry.chargeback),
    Figure.won: _told(Entry.chargeback_reversal),
}
OUT = (Figure.taken_out, Figure.given_back, Figure.charged_back)


@dataclass(frozen=True)
class Line:
    """The figures of one currency, in minor units of it."""

    currency: str
    figures: Mapping[Figure, int]

    def money(self, figure: Figure) -> Money:
        return Money(self.figures[figure], self.currency)

    @property
    def balance(self) -> Money:
        """What came in, less what went out."""
        moved = sum(-self.figures[figure] if figure in OUT else self.figures[figure] for figure in MOVES)
        return Money(moved, self.currency)


@dataclass(frozen=True)
class Behind:
    """What a figure is made of: a booking, or (`row` None) an order that owes."""

    order: Order
    money: Money
    row: LedgerRow | None = None
    account: GatewayAccount | None = None


@dataclass(frozen=True)
class Statement:
    """Of one account only, or one currency, where they are named."""

    shop: Shop
    period: Period
    account: GatewayAccount | None = None
    currency: str = ""

    @property
    def lines(self) -> list[Line]:
        """By currency; none in which nothing moved and nothing is owed."""
        rows = db.session.execute(self._sums().order_by("currency"))
        return [Line(row.currency, {figure: getattr(row, figure) for figure in Figure}) for row in rows]

    def behind(self, figure: Figure, currency: str, after: int) -> list[Behind]:
        """A page of them (and one more where there are more), behind that id."""
        if figure is Figure.owed:
            return self._owing(currency, after)
        minor = MOVES[figure]
        rows = db.session.execute(
            select(LedgerRow, Order, GatewayAccount, minor)
            .join(Order, Order.id == LedgerRow.order_id)
            .join(GatewayAccount, GatewayAccount.id == LedgerRow.account_id)
            .where(*self._in_it(), LedgerRow.currency == currency, minor != 0, LedgerRow.id > after)
            .order_by(LedgerRow.id)
            .limit(PAGE + 1)
        )
        return [Behind(order, Money(minor, currency), row, account) for row, order, account, minor in rows]

    @property
    def table(self) -> Table:
        """A row for each account and currency."""
        sums = self._sums(LedgerRow.account_id).subquery()
        moved = {FIGURES[figure].name: table.amount(sums.c[figure], sums.c.currency) for figure in Figure}
        columns = {
            "first day": table.code(literal(f"{self.period.since}")),
            "last day": table.code(literal(f"{self.period.until}")),
            "gateway account": table.code(GatewayAccount.slug),
            "gateway": table.text(GatewayAccount.title),
            "currency": table.code(sums.c.currency),
            **moved,
        }
        rows = select(GatewayAccount).join(sums, sums.c.account_id == GatewayAccount.id)
        of = "-".join(self.period.pairs.values())
        order = rows.order_by(GatewayAccount.slug, sums.c.currency)
        return Table(f"statement-{of}", self.shop.time_zone, columns, order)

    def _sums(self, *by: Any) -> Select[Any]:
        """The figures by currency, and by what else is named."""
        keys = (*by, LedgerRow.currency)
        moved = select(*keys, *(minor.label(figure) for figure, minor in MOVES.items()), literal(0).label("owed"))
        owed = select(*keys, *(literal(0).label(figure) for figure in MOVES), LedgerRow.owed.label("owed"))
        bookings = both(
            moved.join(Order, Order.id == LedgerRow.order_id).where(*self._in_it()),
            owed.join(Order, Order.id == LedgerRow.order_id).where(*self._owed()),
        ).subquery()
        names = [bookings.c[key.key] for key in keys]
        sums = [func.sum(bookings.c[figure]) for figure in Figure]
        labelled = [cast(total, BigInteger).label(figure) for figure, total in zip(Figure, sums, strict=True)]
        return select(*names, *labelled).group_by(*names).having(or_(*(total != 0 for total in sums)))

    def _owing(self, currency: str, after: int) -> list[Behind]:
        minor = cast(func.sum(LedgerRow.owed), BigInteger)
        rows = db.session.execute(
            select(Order, minor)
            .join(LedgerRow, LedgerRow.order_id == Order.id)
            .where(*self._owed(), LedgerRow.currency == currency, Order.id > after)
            .group_by(Order.id)
            .having(minor != 0)
            .order_by(Order.id)
            .limit(PAGE + 1)
        )
        return [Behind(order, Money(minor, currency)) for order, minor in rows]

    def _in_it(self) -> list[ColumnElement[bool]]:
        start, end = span(self.period.since, self.period.until, self.shop.time_zone)
        return [*self._ours(), LedgerRow.booked_at >= start, LedgerRow.booked_at < end]

    def _owed(self) -> list[ColumnElement[bool]]:
        """All that changed what is owed, up to the end; the zero as it stands in the index, so that this is used."""
        _, end = span(None, self.period.until, self.shop.time_zone)
        return [*self._ours(), LedgerRow.booked_at < end, LedgerRow.owed != literal_column("0")]

    def _ours(self) -> list[ColumnElement[bool]]:
        found = [LedgerRow.shop_id == self.shop.id, Order.test.is_(False)]
        if self.account is not None:
            found.append(LedgerRow.account_id == self.account.id)
        if self.currency:
            found.append(LedgerRow.currency == self.currency)
        return found
