"""CSV of whatever a filter shows: made by PostgreSQL's COPY, streamed as it comes, in constant memory.

The cells are made harmless in SQL, where it costs least: no line ends (so that every line is one record), no formulas,
no card numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import ColumnElement, Select, Text, case, func, literal_column, null
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from .callbacks import Callback
from .extensions import db
from .masking import CARD
from .orders import Order
from .panel import Filter
from .shops import GatewayAccount, Shop
from .values import currencies_with

BLOCK = 64 * 1024
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


def write_csv(filter_: Filter, shop: Shop, bom: bool = False) -> Iterator[bytes]:
    """The CSV in blocks, the header row first. What it needs of the app is read before the first block is asked for."""
    return copy_out(*_columns(filter_.select(shop)), bom)


def copy_out(names: Sequence[str], statement: Select[Any], bom: bool = False) -> Iterator[bytes]:
    """Whatever a statement gives, as CSV."""
    compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    copy = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    connection = db.engine.raw_connection()
    own = cast("psycopg.Connection[Any]", connection.driver_connection)
    connection.detach()  # so that a slow reader keeps none of the pool's
    head = ",".join(names).encode() + b"\r\n"
    return _stream(own, copy, dict(compiled.params), BOM + head if bom else head)


def file_name(shop: Shop, at: datetime, what: str = "callbacks") -> str:
    return f"{what}-{shop.slug}-{at.astimezone(ZoneInfo(shop.time_zone)):%Y%m%d-%H%M}.csv"


def _stream(own: psycopg.Connection[Any], copy: str, parameters: dict[str, Any], head: bytes) -> Iterator[bytes]:
    """Whoever stops reading ends the query and the connection with it."""
    try:
        yield head
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
        "received at": utc_time(c.received_at),
        "gateway account": Cell(account.slug),
        "gateway": Cell(account.gateway_name),
        "state": c.state,
        "reason": c.reason,
        "detail": Cell(c.detail),
        "outcome": c.outcome,
        "order number": Cell(c.order_number),
        "transaction id": Cell(c.transaction_id),
        "event id": Cell(c.event_id),
        "amount": _amount(c.amount_minor, c.currency),
        "currency": Cell(c.currency),
        "order state": order.state,
        "order amount": _amount(order.amount_minor, order.currency),
        "attempts": c.attempt_count,
        "last verdict": c.verdict,
        "settled at": utc_time(c.settled_at),
        "digest": func.encode(c.digest, literal_column("'hex'")),
    }
    joined = wanted.join(account, account.id == c.account_id).outerjoin(order, order.id == c.order_id)
    return list(columns), joined.with_only_columns(*columns.values())


def utc_time(column: Any) -> ColumnElement[Any]:
    """ISO 8601 in UTC."""
    return func.to_char(func.timezone("UTC", column), literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""))


def _amount(minor: Any, currency: Any) -> ColumnElement[Any]:
    """In major units, with all the currency's decimals."""
    odd = [(currency.in_(currencies_with(n)), minor * literal_column(f"{10**-n:.{n}f}")) for n in (0, 3, 4)]
    return case((minor.is_(None), null()), *odd, else_=minor * literal_column("0.01"))


class Cell(ColumnElement[str]):
    """A text as a cell that does no harm. Nearly all texts are harmless: one look by a regular expression each."""

    inherit_cache = False
    type = Text()

    def __init__(self, column: Any) -> None:
        self.column = column


@compiles(Cell)
def _cell(cell: Cell, compiler: SQLCompiler, **more: Any) -> str:
    text = compiler.process(cell.column, **more)
    return f"CASE WHEN {text} ~ '{_HARM}' THEN {_HARMLESS.replace('TEXT', text)} ELSE {text} END"


# The beginning of a formula (in full-width signs too), a control character, or what may be a card number.
_CONTROL = r"[\x01-\x1f\x7f-\x9f\u2028\u2029]"
_FORMULA = r"^[=+@\t\r＝＋＠－-]"
_WRITTEN = "^(?:[0-9]+|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5})$"
_HARM = rf"{_FORMULA}|{_CONTROL}|[0-9](?:[ -]?[0-9]){{12}}"
_HARMLESS = rf"""(
    SELECT CASE WHEN TEXT ~ '{_FORMULA}' THEN '''' ELSE '' END || string_agg(
        run[1] || CASE WHEN digits ~ '^(?:{CARD})$' AND run[2] ~ '{_WRITTEN}' AND (
            SELECT mod(sum(CASE mod(length(digits) - place, 2) WHEN 0 THEN substr(digits, place, 1)
                           ELSE substr('0246813579', substr(digits, place, 1)::int + 1, 1) END::int), 10) = 0
            FROM generate_series(1, length(digits)) AS place
        ) THEN regexp_replace(run[2], '[0-9](?=(?:[ -]?[0-9]){{4}})', '*', 'g') ELSE run[2] END,
        '' ORDER BY nth)
    FROM regexp_matches(regexp_replace(TEXT, '{_CONTROL}', ' ', 'g'), '([^0-9]*)((?:[0-9](?:[ -]?[0-9])*)?)', 'g')
        WITH ORDINALITY AS runs (run, nth),
        LATERAL regexp_replace(run[2], '[ -]', '', 'g') AS digits
)"""
