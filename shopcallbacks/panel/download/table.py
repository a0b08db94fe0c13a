"""What can be taken along: a table whose columns are declared once, for CSV and Excel alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Select, Text, case, cast, func, literal, literal_column

from ...domain.values import currencies_with
from .cells import FOREIGN, Guard, a_strangers, ours, the_shops


class CellKind(StrEnum):
    """What a cell is. `amount`: in major units, with its currency's decimals; `time`, `day`: by the table's clock."""

    text = "text"
    number = "number"
    amount = "amount"
    time = "time"
    day = "day"


@dataclass(frozen=True)
class Column:
    """`plain`: its cell as CSV writes it; `typed`: its value for Excel, whose cells have a kind; `guard`: what makes
    either harmless.
    """

    kind: CellKind
    plain: ColumnElement[Any]
    typed: ColumnElement[Any]
    guard: Guard = ours


@dataclass(frozen=True)
class Table:
    """`name`: of its file; `rows`: where its columns are read from, in order; `zone`: the clock of its times and days,
    which is that of the connection while it is read. `walked`: an index has all of its rows in their order, so that the
    first need not wait until the last is sorted.
    """

    name: str
    zone: str
    columns: Mapping[str, Column]
    rows: Select[Any]
    walked: bool = False

    @property
    def plain(self) -> Select[Any]:
        return self._read([column.plain for column in self.columns.values()])

    @property
    def typed(self) -> Select[Any]:
        return self._read([column.typed for column in self.columns.values()])

    @property
    def own(self) -> int:
        """How many of its last columns are ours."""
        return sum(1 for _ in takewhile(lambda column: column.guard is ours, reversed([*self.columns.values()])))

    def _read(self, cells: list[ColumnElement[Any]]) -> Select[Any]:
        return self.rows.with_only_columns(*cells, maintain_column_froms=True)


def text(column: Any) -> Column:
    return _same(CellKind.text, column, a_strangers)


def number_of(column: Any) -> Column:
    """The shop's own number of an order."""
    return _same(CellKind.text, column, the_shops)


def number_told(told: Any, own: Any) -> Column:
    """An order's number as a gateway told it; where it is the shop's own, as that."""
    return _same(CellKind.text, case((told == own, told), else_=literal(FOREIGN) + told), the_shops)


def code(column: Any) -> Column:
    """One of our own words, or an account's short name: harmless as it is."""
    return _same(CellKind.text, cast(column, Text))


def words(column: Any, said: Mapping[Any, str]) -> Column:
    """A code as managers read it on the screens."""
    own = {str(code): words for code, words in said.items()}
    return _same(CellKind.text, case(own, value=cast(column, Text), else_=cast(column, Text)))


def with_text(said: Any, place: str, column: Any, where: ColumnElement[bool]) -> Column:
    """Our own words, with a text where they name the place; nothing elsewhere."""
    return _same(CellKind.text, case((where, func.replace(said, place, column))), a_strangers)


def yes(column: Any) -> Column:
    return _same(CellKind.text, case((column, literal_column("'yes'")), else_=literal_column("'no'")))


def number(column: Any) -> Column:
    return _same(CellKind.number, column)


def amount(minor: Any, currency: Any) -> Column:
    odd = {n: currencies_with(n) for n in (0, 3, 4)}
    in_major = [(currency.in_(some), minor * literal_column(f"{10**-n:.{n}f}")) for n, some in odd.items()]
    any_odd = currency.in_([one for some in odd.values() for one in some])  # asked once of all the others
    return _same(CellKind.amount, case((any_odd, case(*in_major)), else_=minor * literal_column("0.01")))


def time(column: Any) -> Column:
    """In CSV ISO 8601 with the distance from UTC; Excel's times know of no zone."""
    plain = func.to_char(column, literal_column("""'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'"""))
    return Column(CellKind.time, plain, func.date_trunc(literal_column("'second'"), cast(column, DateTime())))


def day(column: Any) -> Column:
    return Column(CellKind.day, func.to_char(column, literal_column("'YYYY-MM-DD'")), cast(column, Date))


def _same(kind: CellKind, cell: ColumnElement[Any], guard: Guard = ours) -> Column:
    return Column(kind, cell, cell, guard)
