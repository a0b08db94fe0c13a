"""CSV of whatever a filter shows: made by PostgreSQL's COPY, streamed as it comes, in constant memory.

The cells are made harmless in SQL, where it costs least: no line ends (so that every line is one record), no formulas,
no card numbers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import ColumnElement, Engine, Select, Text, case, func, literal_column, null
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from ..callbacks.callback import Callback
from ..domain.errors import Busy
from ..domain.values import currencies_with
from ..extensions import db
from ..orders.order import Order
from ..shops.accounts import GatewayAccount, Shop
from ..words.masking import CARD
from .filter import Filter

BLOCK = 64 * 1024
MOST_AT_A_TIME = 2  # in a process: an export may take as long as its reader likes
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


_free = BoundedSemaphore(MOST_AT_A_TIME)


def write_csv(filter_: Filter, shop: Shop, bom: bool = False) -> Export:
    """The CSV in blocks, the header row first. What it needs of the app is read before the first block is asked for."""
    return stream(*_columns(filter_.select(shop)), bom)


def stream(names: list[str], statement: Select[Any], bom: bool = False, zone: str = "UTC") -> Export:
    """Any statement's rows under these names; `Busy` while as many as may be are on their way. `zone`: the clock of
    times that say their distance from UTC.
    """
    engine = cast("Engine", db.session.get_bind())
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    copy = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    head = ",".join(names).encode() + b"\r\n"
    return Export(_stream(engine, copy, dict(compiled.params), BOM + head if bom else head, zone))


class Export(Iterator[bytes]):
    """The blocks. Its place is free again once it is read to the end, closed or forgotten."""

    def __init__(self, blocks: Generator[bytes]) -> None:
        self._blocks = blocks
        self._holds = _free.acquire(blocking=False)
        if not self._holds:
            raise Busy

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._blocks.close()
        if self._holds:
            self._holds = False
            _free.release()

    __del__ = close


def file_name(shop: Shop, at: datetime, what: str = "callbacks") -> str:
    return f"{what}-{shop.slug}-{at.astimezone(ZoneInfo(shop.time_zone)):%Y%m%d-%H%M}.csv"


def _stream(engine: Engine, copy: str, parameters: dict[str, Any], head: bytes, zone: str) -> Generator[bytes]:
    """On a connection of its own, so that a slow reader keeps none of the pool's. Who stops reading ends both."""
    yield head
    pooled = engine.raw_connection()
    own = cast("psycopg.Connection[Any]", pooled.driver_connection)
    pooled.detach()
    try:
        own.execute("SET statement_timeout = 0")  # it takes as long as the reader takes
        own.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        with psycopg.ClientCursor(own) as cursor, cursor.copy(cast("Any", copy), parameters) as rows:
            block = bytearray()
            for row in rows:
                block += row
                if len(block) >= BLOCK:
                    yield bytes(block.replace(b"\n", b"\r\n"))
                    block.clear()
            yield bytes(block.replace(b"\n", b"\r\n"))
    finally:
        own.close()


def _columns(wanted: Select[Any]) -> tuple[list[str], Select[Any]]:
    c, order, account = Callback, Order, GatewayAccount
    columns: dict[str, Any] = {
        "id": c.id,
        "received at": time_cell(c.received_at),
        "gateway account": account.slug,
        "gateway": account.gateway_name,
        "state": c.state,
        "reason": c.reason,
        "detail": Cell(c.detail),
        "outcome": c.outcome,
        "order number": order_number_cell(c, order),
        "transaction id": Cell(c.transaction_id),
        "event id": Cell(c.event_id),
        "amount": amount_cell(c.amount_minor, c.currency),
        "currency": c.currency,
        "order state": order.state,
        "order amount": amount_cell(order.amount_minor, order.currency),
        "attempts": c.attempt_count,
        "last verdict": c.verdict,
        "settled at": time_cell(c.settled_at),
        "imported at": time_cell(c.imported_at),
        "digest": func.encode(c.digest, literal_column("'hex'")),
    }
    joined = wanted.join(account, account.id == c.account_id).outerjoin(order, order.id == c.order_id)
    return list(columns), joined.with_only_columns(*columns.values())


def order_number_cell(callback: type[Callback], order: type[Order]) -> ColumnElement[Any]:
    """The shop's own number is no card's, whatever it looks like."""
    own = callback.order_number == order.number
    return case((own, Cell(order.number, "")), else_=Cell(callback.order_number))


def time_cell(column: Any) -> ColumnElement[Any]:
    """ISO 8601 in UTC."""
    return func.to_char(func.timezone("UTC", column), literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""))


def amount_cell(minor: Any, currency: Any) -> ColumnElement[Any]:
    """In major units, with all the currency's decimals."""
    odd = [(currency.in_(currencies_with(n)), minor * literal_column(f"{10**-n:.{n}f}")) for n in (0, 3, 4)]
    return case((minor.is_(None), null()), *odd, else_=minor * literal_column("0.01"))


class Cell(ColumnElement[str]):
    """A text as a cell that does no harm. Nearly all texts are harmless: a look or two by regular expressions each."""

    inherit_cache = False
    type = Text()

    def __init__(self, column: Any, card: str = CARD) -> None:
        self.column = column
        self.card = card


@compiles(Cell)
def _cell(cell: Cell, compiler: SQLCompiler, **more: Any) -> str:
    text = compiler.process(cell.column, **more)
    harmless = _HARMLESS.replace("TEXT", text).replace("CARD", cell.card)
    # Each look costs by the length of its pattern, and most texts need not be looked at for long.
    long = f" OR ({text} ~ '[0-9]{{4}}' AND {text} ~ '{_LONG}')" if cell.card else ""
    return f"CASE WHEN {text} <> '' AND ({text} ~ '{_HARM}'{long}) THEN {harmless} ELSE {text} END"


# The beginning of a formula (in full-width signs too), a control character, or what may be a card number.
_CONTROL = r"[\x01-\x1f\x7f-\x9f\u2028\u2029]"
_FORMULA = r"^[=+@\t\r＝＋＠－-]"
_WRITTEN = "^(?:[0-9]+|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5})$"
_LONG = "[0-9]{13}|[0-9]{4}[ -](?:[0-9]{4}[ -][0-9]{4}|[0-9]{6})[ -][0-9]"
# A spreadsheet whose list separator is the semicolon has a cell begin behind each one.
_SECOND = r";([\t\r ]*[=+@＝＋＠－-])"
_HARM = rf"{_FORMULA}|{_CONTROL}|{_SECOND}"
_HARMLESS = rf"""(
    SELECT CASE WHEN TEXT ~ '{_FORMULA}' THEN '''' ELSE '' END || string_agg(
        run[1] || CASE WHEN digits ~ '^(?:CARD)$' AND run[2] ~ '{_WRITTEN}' AND (
            SELECT mod(sum(CASE mod(length(digits) - place, 2) WHEN 0 THEN substr(digits, place, 1)
                           ELSE substr('0246813579', substr(digits, place, 1)::int + 1, 1) END::int), 10) = 0
            FROM generate_series(1, length(digits)) AS place
        ) THEN regexp_replace(run[2], '[0-9](?=(?:[ -]?[0-9]){{4}})', '*', 'g') ELSE run[2] END,
        '' ORDER BY nth)
    FROM regexp_matches(
        regexp_replace(regexp_replace(TEXT, '{_SECOND}', ';''\1', 'g'), '{_CONTROL}', ' ', 'g'),
        '([^0-9]*)((?:[0-9](?:[ -]?[0-9])*)?)', 'g')
        WITH ORDINALITY AS runs (run, nth),
        LATERAL regexp_replace(run[2], '[ -]', '', 'g') AS digits
)"""  # nosec B608 - constants, and a column's own name
