"""A table as an Excel file: written row by row into a folder of its own, and streamed from there, in constant memory.

Why so stands in docs/decisions/downloads.md.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, Select
from xlsxwriter import Workbook

from ...threads import aside
from .export import BLOCK, Export, own_connection, reading_engine
from .table import CellKind, Column, Table

MOST_ROWS = 1_048_576  # of a sheet
MOST_SIGNS = 32_767  # of a cell
_DIGITS = 15  # as many as Excel keeps of a number
_AT_ONCE = 500  # rows read, and written aside, together
_FIRST_YEAR = 1900  # before it Excel knows no days
_WIDTHS = {CellKind.text: 18, CellKind.number: 12, CellKind.amount: 14, CellKind.time: 26, CellKind.day: 26}


def write_excel(table: Table) -> Export:
    """The file in blocks, the first once all rows are written. Sheets hold as many rows as they can, one after the
    other. What it needs of the app is read before.
    """
    return Export(_blocks(reading_engine(), table, table.typed))


def _blocks(engine: Engine, table: Table, rows: Select[Any]) -> Generator[bytes]:
    with TemporaryDirectory(prefix="download-") as folder:
        file = Path(folder, "table.xlsx")
        _write(engine, table, rows, file)
        with file.open("rb") as written:
            while block := written.read(BLOCK):
                yield block


def _write(engine: Engine, table: Table, rows: Select[Any], file: Path) -> None:
    book = Workbook(file, {"constant_memory": True, "tmpdir": str(file.parent)})
    try:
        sheets = _Sheets(book, table)
        with own_connection(engine, table.zone) as connection:
            for part in connection.execution_options(yield_per=_AT_ONCE).execute(rows).partitions():
                aside(sheets.write, part)
    finally:
        aside(book.close)


class _Sheets:
    def __init__(self, book: Workbook, table: Table) -> None:
        self._book = book
        self._table = table
        self._columns = list(table.columns.values())
        self._bold = book.add_format({"bold": True})
        self._text = book.add_format({"num_format": "@"})  # stays a text when somebody types into it
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._sums = [book.add_format({"num_format": f"0.{'0' * places}".rstrip(".")}) for places in range(5)]
        self._begin()

    def _begin(self) -> None:
        number = len(self._book.worksheets()) + 1
        self._sheet = self._book.add_worksheet(self._table.name if number == 1 else f"{self._table.name} {number}")
        self._sheet.freeze_panes(1, 0)
        for place, (name, column) in enumerate(self._table.columns.items()):
            self._sheet.set_column(place, place, _WIDTHS[column.kind])
            self._sheet.write_string(0, place, head(name, column, self._table.zone), self._bold)
        self._row = 1

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            if self._row == MOST_ROWS:
                self._begin()
            for place, (column, value) in enumerate(zip(self._columns, row, strict=True)):
                if value is not None:
                    self._cell(place, column, value)
            self._row += 1

    def _cell(self, place: int, column: Column, value: Any) -> None:
        """A number of which Excel would lose digits, and a day that it does not know, are texts."""
        match value:
            case Decimal() | int() if _fits(value):
                style = self._sums[places(value)] if column.kind is CellKind.amount else None
                self._sheet.write_number(self._row, place, value, style)
            case datetime() if value.year >= _FIRST_YEAR:
                self._sheet.write_datetime(self._row, place, value, self._time)
            case date() if value.year >= _FIRST_YEAR:
                self._sheet.write_datetime(self._row, place, value, self._day)
            case _:
                text = column.guard(str(value), True)[:MOST_SIGNS]
                self._sheet.write_string(self._row, place, text, self._text)


def head(name: str, column: Column, zone: str) -> str:
    """A column's name; of times and days with the zone."""
    return f"{name} ({zone})" if column.kind in (CellKind.time, CellKind.day) else name


def places(value: Decimal | int) -> int:
    """Its decimals, as PostgreSQL made them."""
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return -exponent if isinstance(exponent, int) else 0


def _fits(value: Decimal | int) -> bool:
    return len(Decimal(value).as_tuple().digits) <= _DIGITS
