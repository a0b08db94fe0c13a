"""The CSV of a million callbacks, beside COPY of the same columns without any guard; and the memory it takes."""

from __future__ import annotations

import resource
import time

import psycopg
from sqlalchemy import text

from dev.copies import copy
from shopcallbacks.extensions import db
from shopcallbacks.panel.csv import write_csv
from shopcallbacks.panel.filter import Filter
from shopcallbacks.receiving.door import door

from .place import compare, paid, place

ROWS = 1_000_000
BARE = "id, received_at, state, detail, order_number, transaction_id, event_id, amount_minor, encode(digest, 'hex')"


def main() -> None:
    with place() as (_, account, environ):
        door().keeper.keep(paid(account, "26-1"), account.id, account.shop_id, asks=False)
        db.session.execute(text("UPDATE callbacks SET state = 'processed', due_at = NULL, due_kind = NULL"))
        copy(1, ROWS - 1)
        db.session.commit()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def ours() -> float:
            started = time.perf_counter()
            lines = sum(block.count(b"\n") for block in write_csv(Filter.from_query("tab=all"), account.shop))
            assert lines == ROWS + 1
            return ROWS / (time.perf_counter() - started)

        def bare() -> float:
            started = time.perf_counter()
            query = f"COPY (SELECT {BARE} FROM callbacks) TO STDOUT (FORMAT csv)"
            with psycopg.connect(environ["DATABASE_URL"]) as connection, connection.cursor().copy(query) as rows:
                lines = sum(bytes(block).count(b"\n") for block in rows)
            assert lines == ROWS
            return ROWS / (time.perf_counter() - started)

        compare(ours, bare, ("rows of CSV", "rows of COPY"), rounds=3)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"memory grew by {(after - before) / 1024:.0f} MiB while {ROWS:,} rows were streamed")


if __name__ == "__main__":
    main()
