"""The same tables as Excel files."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import BigInteger, DateTime, Text, cast, func, literal, select
from sqlalchemy.sql.expression import column, values

from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.download import excel, table
from shopcallbacks.panel.download.books import bookings
from shopcallbacks.panel.download.callbacks import callbacks
from shopcallbacks.panel.download.csv import write_csv
from shopcallbacks.panel.download.excel import write_excel
from shopcallbacks.panel.download.table import CellKind, Table
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process

ZONE = "Europe/Vienna"


@pytest.fixture
def account(app: object) -> GatewayAccount:
    account = make_account(slug="stripe")
    account.shop.time_zone = ZONE
    db.session.commit()
    return account


def sheets_of(blocks: Iterator[bytes]) -> list[Worksheet]:
    return list(load_workbook(io.BytesIO(b"".join(blocks))).worksheets)


def table_of(*rows: tuple[int, str | None, int, str, datetime]) -> Table:
    """A table of what is given, without any of ours."""
    made = values(
        column("id", BigInteger),
        column("said", Text),
        column("minor", BigInteger),
        column("currency", Text),
        column("at", DateTime(timezone=True)),
        name="made",
    ).data([*rows])
    columns = {
        "id": table.number(made.c.id),
        "said": table.text(made.c.said),
        "sum": table.amount(made.c.minor, made.c.currency),
        "at": table.time(made.c.at),
        "day": table.day(made.c.at),
    }
    return Table("made", ZONE, columns, select(made).order_by(made.c.id))


NIGHT = datetime(2026, 7, 1, 22, 30, 5, 999_000, tzinfo=UTC)  # the next day in Vienna


@pytest.mark.usefixtures("app")
def test_times_are_local_and_the_head_names_the_zone() -> None:
    (sheet,) = sheets_of(write_excel(table_of((1, "a", 1, "EUR", NIGHT))))
    head, row = sheet.iter_rows(values_only=True)
    assert head == ("id", "said", "sum", f"at ({ZONE})", f"day ({ZONE})")
    assert [str(value) for value in row[3:]] == ["2026-07-02 00:30:05", "2026-07-02 00:00:00"]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("minor", "currency", "value", "shown_as"),
    [
        (5990, "EUR", 59.9, "0.00"),
        (0, "EUR", 0, "0.00"),
        (-5, "EUR", -0.05, "0.00"),
        (12300, "JPY", 12300, "0"),
        (1234, "KWD", 1.234, "0.000"),
        (1234567890123456789, "EUR", "12345678901234567.89", "@"),
    ],
)
def test_sums_are_numbers_with_their_currencys_decimals(minor: int, currency: str, value: Any, shown_as: str) -> None:
    (sheet,) = sheets_of(write_excel(table_of((1, "a", minor, currency, NIGHT))))
    cell = sheet["C2"]
    assert (cell.value, cell.number_format) == (value, shown_as)
    assert cell.data_type == ("s" if isinstance(value, str) else "n")


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ("0012", "0012"),
        ("12345678901234567890", "12345678901234567890"),
        ("=1+1", "=1+1"),
        ('=HYPERLINK("http://x")', '=HYPERLINK("http://x")'),
        ("+49", "+49"),
        ("-2", "-2"),
        ("@x", "@x"),
        ("a;=1", "a;=1"),
        ("https://shop.example/", "https://shop.example/"),
        ("1e5", "1e5"),
        ("2026-11-26", "2026-11-26"),
        ("two\r\nlines", "two  lines"),
        ("4111111111111111", "************1111"),
        ("=4111 1111 1111 1111", "=**** **** **** 1111"),
        ("Grüße 日本 \N{PARTY POPPER}", "Grüße 日本 \N{PARTY POPPER}"),
        ("x" * 40_000, "x" * 32_767),
    ],
)
def test_texts_are_texts_whatever_they_look_like(said: str, cell: str) -> None:
    (sheet,) = sheets_of(write_excel(table_of((1, said, 1, "EUR", NIGHT))))
    found = sheet["B2"]
    assert (found.value, found.data_type, found.number_format, found.hyperlink) == (cell, "s", "@", None)


@pytest.mark.usefixtures("app")
def test_numbers_that_excel_would_round_and_days_before_its_first_are_texts() -> None:
    long_ago = datetime(1815, 6, 18, 12, tzinfo=UTC)
    (sheet,) = sheets_of(write_excel(table_of((2**62, None, 1, "EUR", long_ago))))
    assert (sheet["A2"].value, sheet["B2"].value) == (str(2**62), None)
    assert sheet["E2"].value == "1815-06-18"


@pytest.mark.usefixtures("app")
def test_a_second_sheet_goes_on_where_the_first_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    assert excel.MOST_ROWS == 2**20
    monkeypatch.setattr(excel, "MOST_ROWS", 3)
    sheets = sheets_of(write_excel(table_of(*((number, "a", 1, "EUR", NIGHT) for number in range(5)))))
    assert [sheet.title for sheet in sheets] == ["made", "made 2", "made 3"]
    assert [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in sheets] == [
        ["id", 0, 1],
        ["id", 2, 3],
        ["id", 4],
    ]


PEAK = 8 * 1024 * 1024  # all of it as Python's objects is several times that


@pytest.mark.usefixtures("app")
def test_fifty_thousand_rows_are_those_of_the_csv_in_constant_memory(tmp_path: Path) -> None:
    number = func.generate_series(1, 50_000).table_valued("nth").render_derived()
    columns = {
        "number": table.number_of(func.lpad(cast(number.c.nth, Text), 8, "0")),
        "sum": table.amount(number.c.nth, literal("EUR")),
    }
    what = Table("many", ZONE, columns, select(number).order_by(number.c.nth))
    file = tmp_path / "many.xlsx"
    tracemalloc.start()
    try:
        with file.open("wb") as written:
            for block in write_excel(what):
                written.write(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < PEAK, f"{peak / 1024 / 1024:.1f} MiB"
    lines = csv.reader(io.StringIO(b"".join(write_csv(what)).decode(), newline=""))
    book = load_workbook(file, read_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True)
    assert [str(name).removesuffix(f" ({ZONE})") for name in next(rows)] == next(lines)
    kinds, count = [column.kind for column in columns.values()], 0
    for line, row in zip(lines, rows, strict=True):
        assert [as_csv(*cell) for cell in zip(kinds, row, line, strict=True)] == line
        count += 1
    book.close()
    assert count == 50_000


def as_csv(kind: CellKind, value: Any, cell: str) -> str:
    """A value of Excel's as the CSV has it."""
    if value is None:
        return ""
    if kind is CellKind.time:
        assert datetime.fromisoformat(cell).tzinfo is not None
        return value.replace(tzinfo=ZoneInfo(ZONE)).isoformat() if not _twice(value) else cell
    return f"{value:.2f}" if kind is CellKind.amount else str(value)


def _twice(value: datetime) -> bool:
    """An hour that the clock shows twice: Excel's time does not say which of the two it is."""
    there = value.replace(tzinfo=ZoneInfo(ZONE))
    return there.utcoffset() != there.replace(fold=1).utcoffset()


def test_the_books_as_excel_are_those_of_the_csv(account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop, "0042")))
    process()
    what = bookings(account.shop, None, None)
    (line,) = csv.DictReader(io.StringIO(b"".join(write_csv(what)).decode(), newline=""))
    (sheet,) = sheets_of(write_excel(what))
    head, row = sheet.iter_rows(values_only=True)
    named = dict(zip(what.columns, row, strict=True))
    assert named["order number"] == line["order number"] == "0042"
    assert named["booking"] == "Payment"
    assert f"{named['booking day']:%Y-%m-%d}" == line["booking day"]
    assert f"booking day ({ZONE})" in head
    kinds = [column.kind for column in what.columns.values()]
    found = [as_csv(*cell) for cell in zip(kinds, row, line.values(), strict=True)]
    assert found[1:] == [*line.values()][1:]


def test_who_sees_the_list_may_take_it_along_and_that_is_an_act(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop, "0042"), money=Money(1, "EUR")))
    process()
    assert client.get("/callbacks.xlsx").status_code == 303, "nobody is logged in"
    log_in(client, make_user(Role.viewer, account.shop))
    response = client.get("/callbacks.xlsx?tab=unprocessed")
    assert response.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert response.headers["Content-Disposition"].endswith('.xlsx"')
    (sheet,) = sheets_of(iter([response.data]))
    assert sheet.max_row == 2
    assert client.head("/callbacks.xlsx").status_code == 200
    act = db.session.scalars(select(Activity).where(Activity.verb == "export").order_by(Activity.id)).first()
    assert act is not None
    assert act.what == "callbacks tab=unprocessed as Excel"
    (books,) = sheets_of(iter([client.get("/download?what=orders&as=xlsx").data]))
    assert books["B2"].value == "0042"


def test_who_leaves_while_it_is_sent_leaves_no_file_behind(
    account: GatewayAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    make_callback(account, message("a"))
    process()
    blocks = write_excel(callbacks(Filter.from_query("tab=all"), account.shop))
    assert next(blocks).startswith(b"PK")
    assert len(list(tmp_path.iterdir())) == 1
    blocks.close()
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_can_t_be_read_leaves_no_file_behind(
    account: GatewayAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nothing = GatewayAccount.id - GatewayAccount.id
    broken = Table("broken", ZONE, {"x": table.number(func.mod(1, nothing))}, select(GatewayAccount))
    with pytest.raises(Exception, match="division by zero"):
        next(write_excel(broken))
    assert list(tmp_path.iterdir()) == []
