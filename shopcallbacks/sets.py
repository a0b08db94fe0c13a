"""Many rows in one statement: `INSERT ... SELECT unnest(...)` and `UPDATE ... FROM unnest(...)`.

SQLAlchemy writes a statement with a value for each row; a batch of rows is written here as one array for each column,
so that the statement is the same whatever their number: prepared once, and parsed in no time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Column, Row, Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Values = Mapping[str, Any]
Here = Session | scoped_session[Any]


def insert_rows(
    session: Here, model: type[DeclarativeBase], rows: Sequence[Values], *, else_: str = "", returning: str = ""
) -> Sequence[Row[Any]]:
    """Inserts them in this order; all have the same columns. `else_`: what stands behind ON CONFLICT."""
    if not rows:
        return []
    table, names = _table(model), list(rows[0])
    columns = ", ".join(names)
    conflict = f" ON CONFLICT {else_}" if else_ else ""
    back = f" RETURNING {returning}" if returning else ""
    statement = (
        f"INSERT INTO {table.name} ({columns}) SELECT {_selected(table, names)} FROM {_unnested(table, names)}"
        f"{conflict}{back}"
    )
    result = session.execute(text(statement), _arrays(table, names, rows))
    return result.all() if returning else []


def update_rows(session: Here, model: type[DeclarativeBase], rows: Sequence[Values], *, key: str = "id") -> None:
    """Sets the columns of each row that the key finds; all have the same columns, the key among them."""
    if not rows:
        return
    table, names = _table(model), list(rows[0])
    setting = ", ".join(f"{name} = {_read(table.c[name])}" for name in names if name != key)
    statement = f"UPDATE {table.name} SET {setting} FROM {_unnested(table, names)} WHERE {table.name}.{key} = new.{key}"
    session.execute(text(statement), _arrays(table, names, rows))


def _table(model: type[DeclarativeBase]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _selected(table: Table, names: Iterable[str]) -> str:
    return ", ".join(_read(table.c[name]) for name in names)


def _read(column: Column[Any]) -> str:
    return f"new.{column.name}::jsonb" if isinstance(column.type, JSONB) else f"new.{column.name}"


def _unnested(table: Table, names: Sequence[str]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {_type(table.c[name])}[])" for name in names)
    return f"unnest({arrays}) AS new({', '.join(names)})"


def _type(column: Column[Any]) -> str:
    return "TEXT" if isinstance(column.type, JSONB) else column.type.compile(_DIALECT)


def _arrays(table: Table, names: Sequence[str], rows: Sequence[Values]) -> dict[str, list[Any]]:
    return {name: [_written(table.c[name], row[name]) for row in rows] for name in names}


def _written(column: Column[Any], value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    return json.dumps(value) if value is not None and isinstance(column.type, JSONB) else value
