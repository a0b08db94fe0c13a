"""A table as CSV: made by PostgreSQL's COPY, streamed as it comes, in constant memory."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import psycopg
from sqlalchemy import Engine

from .export import BLOCK, Export, own_connection, reading_engine
from .table import Table

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


def write_csv(table: Table, bom: bool = False) -> Export:
    """The CSV in blocks, the header row first. What it needs of the app is read before the first block is asked for.

    `bom`: with the mark by which spreadsheets take it for UTF-8.
    """
    compiled = table.plain.compile(reading_engine(), compile_kwargs={"render_postcompile": True})
    head = ",".join(table.columns).encode() + b"\r\n"
    copy = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    return Export(_blocks(reading_engine(), copy, dict(compiled.params), BOM + head if bom else head, table.zone))


def _blocks(engine: Engine, copy: str, parameters: dict[str, Any], head: bytes, zone: str) -> Generator[bytes]:
    """Who stops reading ends the query too."""
    yield head
    with own_connection(engine, zone) as connection:
        own = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        with psycopg.ClientCursor(own) as cursor, cursor.copy(cast("Any", copy), parameters) as rows:
            block = bytearray()
            for row in rows:
                block += row
                if len(block) >= BLOCK:
                    yield bytes(block.replace(b"\n", b"\r\n"))
                    block.clear()
            yield bytes(block.replace(b"\n", b"\r\n"))
