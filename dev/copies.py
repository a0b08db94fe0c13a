"""Many callbacks like one that is there, in one statement: for tests, and for measuring.

They stand as the release before revision 0022 kept them, each with its request in its own row.
"""

from __future__ import annotations

from sqlalchemy import text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db

REQUEST = {name: f"r.{name}" for name in ("method", "path", "headers", "address")} | {
    name: f"b.{name}" for name in ("query", "body")
}
SOURCE = """
callbacks c JOIN requests r ON r.callback_id = c.id
JOIN bodies b ON b.account_id = c.account_id AND b.digest = c.digest
    AND b.day = CAST(c.received_at AT TIME ZONE 'UTC' AS date)
"""


def copy(callback_id: int, count: int, first: int = 1, **own: str) -> None:
    """`own`: columns that differ, in SQL with `n` from the first on, and `c`, `r`, `b` for what is copied."""
    kept = {column.name: f"c.{column.name}" for column in Callback.__table__.columns if column.name != "id"}
    columns = kept | REQUEST | own
    db.session.execute(
        text(
            f"INSERT INTO callbacks ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {SOURCE}, "
            "generate_series(CAST(:first AS bigint), :last) AS n WHERE c.id = :id"
        ),
        {"id": callback_id, "first": first, "last": first + count - 1},
    )
