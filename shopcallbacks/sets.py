"""Many rows in one statement: found by `= ANY (...)` and `JOIN unnest(...)`, written by `INSERT ... SELECT unnest(...)`
and `UPDATE ... FROM unnest(...)`.

SQLAlchemy writes a statement with a value for each row; a batch of rows is one array for each column here, so that the
statement is the same whatever their number: prepared once, and parsed in no time. A column that is the same in all rows
that are written, and most are, is one value and no array.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Enum,
    FromClause,
    Row,
    Table,
    and_,
    any_,
    bindparam,
    column,
    func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Values = Mapping[str, Any]
Here = Session | scoped_session[Any]


@contextmanager
def sent_ahead(session: Here) -> Iterator[None]:
    """Statements of which nobody reads an answer: each goes out behind the one before, and all are waited for at the
    end, so that the database works on one while the next is made. What it refuses is raised there at the latest.
    """
    connection = session.connection()
    own = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
    try:
        with own.pipeline():
            yield
    except psycopg.Error as error:  # of the end: all others are SQLAlchemy's already
        if own.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=own.closed) from error


def among(column: Any, name: str) -> ColumnElement[bool]:
    """The column has one of the values that are handed over under that name: one array, however many they are."""
    found: ColumnElement[bool] = column == any_(bindparam(name, type_=ARRAY(column.type)))
    return found


def wanted(*columns: Any) -> tuple[FromClause, ColumnElement[bool]]:
    """To be joined: rows in which these columns together are one of the keys that `keyed` hands over."""
    arrays = (bindparam(one.key, type_=ARRAY(one.type)) for one in columns)
    keys = func.unnest(*arrays).table_valued(*(column(one.key, one.type) for one in columns), name="wanted")
    table = keys.render_derived()
    return table, and_(*(one == table.c[one.key] for one in columns))


def keyed(names: str, keys: Collection[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The keys as the values that `wanted` asks for; there is at least one."""
    return dict(zip(names.split(), zip(*sorted(keys), strict=True), strict=True))


def insert_rows(
    session: Here, model: type[DeclarativeBase], rows: Sequence[Values], *, else_: str = "", returning: str = ""
) -> Sequence[Row[Any]]:
    """Inserts them in this order; all have the same columns. `else_`: what stands behind ON CONFLICT."""
    if not rows:
        return []
    table, names = _table(model), tuple(rows[0])
    bound, many = _bound(table, names, rows)
    result = session.connection().exec_driver_sql(_insert(table, names, many or names[:1], else_, returning), bound)
    return result.all() if returning else []


def update_rows(session: Here, model: type[DeclarativeBase], rows: Sequence[Values], *, key: str = "id") -> None:
    """Sets the columns of each row that the key finds; all have the same columns, the key among them."""
    if not rows:
        return
    table, names = _table(model), tuple(rows[0])
    bound, many = _bound(table, names, rows, key)
    session.connection().exec_driver_sql(_update(table, names, many, key), bound)


_kept = lru_cache(1000)  # a statement for each choice of columns that differ: few, but nothing bounds them


@_kept
def _insert(table: Table, names: tuple[str, ...], many: tuple[str, ...], else_: str, returning: str) -> str:
    conflict = f" ON CONFLICT {else_}" if else_ else ""
    back = f" RETURNING {returning}" if returning else ""
    values = ", ".join(_read(table.c[name], name in many) for name in names)
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    return f"{into} SELECT {values} FROM {_unnested(table, many)}{conflict}{back}"


@_kept
def _update(table: Table, names: tuple[str, ...], many: tuple[str, ...], key: str) -> str:
    setting = ", ".join(f"{name} = {_read(table.c[name], name in many)}" for name in names if name != key)
    return f"UPDATE {table.name} SET {setting} FROM {_unnested(table, many)} WHERE {table.name}.{key} = new.{key}"


def _table(model: type[DeclarativeBase]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _bound(
    table: Table, names: Sequence[str], rows: Sequence[Values], key: str | None = None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The statement's parameters, and which of them are arrays; the key is one always."""
    bound: dict[str, Any] = {}
    many: list[str] = []
    for name in names:
        values = [row[name] for row in rows]
        if name != key and values.count(values[0]) == len(values):
            bound[name] = _written(table.c[name], values[:1])[0]
        else:
            bound[name] = _array(table.c[name], values)
            many.append(name)
    if not many:
        bound[names[0]] = _array(table.c[names[0]], [row[names[0]] for row in rows])
    return bound, tuple(many)


def _array(of: Column[Any], values: list[Any]) -> Any:
    if isinstance(of.type, BigInteger):  # written as the driver would, in a tenth of the time
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    return _written(of, values)


def _written(of: Column[Any], values: list[Any]) -> list[Any]:
    if isinstance(of.type, Enum):
        return [value.name if value is not None else None for value in values]
    if isinstance(of.type, JSONB):
        return [json.dumps(value) if value is not None else None for value in values]
    return values


def _read(of: Column[Any], of_many: bool) -> str:
    if not of_many:
        return f"CAST(%({of.name})s AS {of.type.compile(_DIALECT)})"
    return f"new.{of.name}::jsonb" if isinstance(of.type, JSONB) else f"new.{of.name}"


def _unnested(table: Table, many: Iterable[str]) -> str:
    arrays = ", ".join(f"CAST(%({name})s AS {_type(table.c[name])}[])" for name in many)
    return f"unnest({arrays}) AS new({', '.join(many)})"


def _type(of: Column[Any]) -> str:
    return "TEXT" if isinstance(of.type, JSONB) else of.type.compile(_DIALECT)
