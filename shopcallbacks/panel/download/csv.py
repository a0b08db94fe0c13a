"""A table as CSV: made by PostgreSQL's COPY, streamed as it comes, in constant memory."""

from __future__ import annotations

import csv
import sys
from collections.abc import Generator
from io import StringIO
from typing import Any, cast

import psycopg
from sqlalchemy import Engine

from .cells import suspects
from .export import BLOCK, Export, own_connection, reading_engine
from .table import Table

csv.field_size_limit(sys.maxsize)  # a cell is as long as what came

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


def write_csv(table: Table, bom: bool = False) -> Export:
    """The CSV in blocks, the header row first. What it needs of the app is read before the first block is asked for.

    `bom`: with the mark by which spreadsheets take it for UTF-8.
    """
    compiled = table.plain.compile(reading_engine(), compile_kwargs={"render_postcompile": True})
    head = ",".join(table.columns).encode() + b"\r\n"
    copy = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    return Export(_blocks(reading_engine(), copy, dict(compiled.params), BOM + head if bom else head, table))


def _blocks(engine: Engine, copy: str, parameters: dict[str, Any], head: bytes, table: Table) -> Generator[bytes]:
    """Who stops reading ends the query too."""
    yield head
    with own_connection(engine, table.zone, sorts=not table.walked) as connection:
        own = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        with psycopg.ClientCursor(own) as cursor, cursor.copy(cast("Any", copy), parameters) as rows:
            records, count = bytearray(), 0
            for record in rows:
                records += record
                count += 1
                if len(records) >= BLOCK:
                    yield _harmless(bytes(records), count, table)
                    records, count = bytearray(), 0
            yield _harmless(bytes(records), count, table)


def _harmless(records: bytes, count: int, table: Table) -> bytes:
    parts, read = list[bytes](), 0
    for odd in suspects(records, count, table.own):
        parts += records[read : odd.start], _guarded(records[odd], table)
        read = odd.stop
    return b"".join([*parts, records[read:]]).replace(b"\n", b"\r\n")


def _guarded(records: bytes, table: Table) -> bytes:
    """Cell by cell."""
    guards = [column.guard for column in table.columns.values()]
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [guard(cell, False) for guard, cell in zip(guards, cells, strict=True)]
        for cells in csv.reader(StringIO(records.decode(), newline=""))
    )
    return written.getvalue().encode()
