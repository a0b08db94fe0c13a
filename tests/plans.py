"""How PostgreSQL goes about what the product asks of it: each statement is explained as it is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

EXPLAINED = re.compile(r"\s*(?:--.*\s+)*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b")
COPIED = re.compile(r"COPY \((.*)\) TO STDOUT \(FORMAT csv\)", re.DOTALL)
# Who stops early costs less than the scan below it: then it is none of the whole table.
STOPS_EARLY = 0.15

Plan = dict[str, Any]


class Plans:
    """`asked`: all statements that were explained; `read_whole`: those for which a large table is read from end to end,
    with its names and the plan of it.
    """

    def __init__(self, large: Collection[str]) -> None:
        self.large = large
        self.asked: set[str] = set()
        self.read_whole: dict[str, tuple[set[str], Plan]] = {}

    def note(self, statement: str, plan: Plan) -> None:
        self.asked.add(statement)
        if tables := {*_read_whole(plan)} & {*self.large}:
            self.read_whole[statement] = tables, plan

    @property
    def tables(self) -> set[str]:
        """Those large ones that were asked for by name."""
        words = {word for statement in self.asked for word in re.findall(r"\w+", statement)}
        return words & {*self.large}


@contextmanager
def explained(large: Collection[str]) -> Iterator[Plans]:
    """All that this process asks meanwhile, in whatever thread and on whatever connection."""
    plans = Plans(large)
    execute, executemany, copy = psycopg.Cursor.execute, psycopg.Cursor.executemany, psycopg.Cursor.copy

    def explain(cursor: psycopg.Cursor[Any], query: Any, parameters: Any) -> None:
        statement = query.decode() if isinstance(query, bytes) else str(query)
        if not EXPLAINED.match(statement) or cursor.connection.info.transaction_status is TransactionStatus.INERROR:
            return
        raw = isinstance(cursor, psycopg.RawCursor)  # its values are $1, $2, ...
        beside = (psycopg.RawCursor if raw else psycopg.Cursor)(cursor.connection)
        execute(beside, f"EXPLAIN (FORMAT JSON) {statement}".encode(), parameters)
        row = beside.fetchone()
        assert row is not None
        plans.note(" ".join(statement.split()), row[0][0]["Plan"])

    def execute_too(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        explain(self, query, params)
        return execute(self, query, params, **more)

    def execute_many_too(self: Any, query: Any, params_seq: Any, **more: Any) -> Any:
        rows = list(params_seq)
        explain(self, query, rows[0])
        return executemany(self, query, rows, **more)

    def copy_too(self: Any, statement: Any, params: Any = None, **more: Any) -> Any:
        if of := COPIED.fullmatch(str(statement)):
            explain(self, of[1], params)
        return copy(self, statement, params, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute_too)
        patch.setattr(psycopg.Cursor, "executemany", execute_many_too)
        patch.setattr(psycopg.Cursor, "copy", copy_too)
        yield plans


def _read_whole(plan: Plan, above: float = math.inf) -> Iterator[str]:
    """The tables, and parts of tables, that are read from end to end. `above`: the least that anything above costs."""
    cost = plan["Total Cost"]
    if plan["Node Type"] == "Seq Scan" and above >= STOPS_EARLY * cost:
        yield plan["Relation Name"]
    for one in plan.get("Plans", ()):
        yield from _read_whole(one, min(above, cost))
