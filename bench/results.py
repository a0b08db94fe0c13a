"""The chart of 30 days over a million callbacks: counted by index, beside totals of past hours that are kept."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from sqlalchemy import func, select, text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals, results
from shopcallbacks.dashboard.results import Period
from shopcallbacks.extensions import db

from .place import place

ROUNDS = 7
# Only what the two ways read is kept, or filling the table takes longer than measuring.
INDEXES = "('ix_callbacks_account_time', 'ix_callbacks_shop_state_time', 'ix_callbacks_queue', 'pk_callbacks')"
FILL = """
INSERT INTO callbacks (shop_id, account_id, method, path, query, headers, body, address, received_at, digest, state,
                       detail, version, attempt_count, tries, asks, verdict)
SELECT :shop, :account, 'POST', '/', '', '[]', '', '192.0.2.1', now() - n * (interval '30 days' / :rows), '',
       CASE WHEN n % 1000 = 0 THEN 'unprocessed' WHEN n % 1000 = 1 THEN 'invalid' ELSE 'processed' END,
       '', 1, 1, 1, false, 'genuine'
FROM generate_series(1, :rows) n
"""


def took(ask: Callable[[], object]) -> float:
    """The median, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - started))
        db.session.rollback()
    return statistics.median(times)


def main(rows: int) -> None:
    with place() as (_, account, _environ):
        shop, now = account.shop, utcnow()
        drop = f"SELECT indexname FROM pg_indexes WHERE tablename = 'callbacks' AND indexname NOT IN {INDEXES}"
        for name in db.session.scalars(text(drop)).all():
            db.session.execute(text(f"DROP INDEX {name}"))
        db.session.execute(text(FILL), {"shop": shop.id, "account": account.id, "rows": rows})
        db.session.commit()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE callbacks"))
        start = results.starts(Period.days, now, shop.time_zone)[0]
        day = func.date_trunc("day", Callback.received_at)
        counted = select(day, Callback.state, func.count()).group_by(day, Callback.state)
        counted = counted.where(Callback.shop_id == shop.id, Callback.received_at >= start)
        by_index = took(lambda: db.session.execute(counted).all())
        cold = took(lambda: results.count(shop, Period.days, now))
        started = time.perf_counter()
        arrivals.keep(now)
        db.session.commit()
        kept = time.perf_counter() - started
        ours = took(lambda: results.count(shop, Period.days, now))
        day_ = took(lambda: results.count(shop, Period.hours, now))
        print(f"{rows:,} callbacks in 30 days")
        print(f"counted by index {by_index:.0f} ms   before the first sweep {cold:.0f} ms   kept by hour {ours:.0f} ms")
        print(f"the chart of 24 hours {day_:.0f} ms   the first sweep {1000 * kept:.0f} ms")
        print(f"ratio {ours / by_index:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
