"""The panel's page and count for a search, in milliseconds, side by side at growing numbers of callbacks."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace

from sqlalchemy import text

from dev.copies import copy
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.panel.counts import count_up_to
from shopcallbacks.panel.filter import Filter
from shopcallbacks.panel.page import page_of
from shopcallbacks.panel.search.index import Round, SearchProgress
from shopcallbacks.panel.search.search import FOUND
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from .load import signature
from .place import hand_in, paid, place

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 5
FIRST = "7000000"  # the number in the pattern that each copy has its own in place of
SEARCHES = {
    "order number": "q=7004321",
    "transaction id": "q=pi_7004321",
    "event id": "q=evt_7004321",
    "an amount, on one": "q=4321.00",
    "an amount, on the newer half": "q=59.90",
    "an amount, on the older half": "q=49.90",
    "an e-mail": "q=buyer43@shop.example",
    "a word on one": "q=note7004321",
    "a word on 1 of 200": "q=seldom",
    "a word on the older half": "q=formerly",
    "a word on the first and last": "q=again",
    "a word on each": "q=succeeded",
    "two words": "q=succeeded+note7004321",
    "one letter": "q=e",
    "a reason": "q=amount+differs",
    "nothing": "q=nowhere",
}
TABS = ("all", "unprocessed")

_FILL_ENTRIES = f"""
    INSERT INTO search_entries (shop_id, callback_id, week, attempts, terms)
    SELECT shop_id, id, week, 1, array_to_tsvector(ARRAY(SELECT shop_id || '.' || week || '\\:' || term FROM unnest(
        ARRAY(SELECT replace(term, '{FIRST}', order_number) FROM unnest(CAST(:terms AS text[])) term)
        || ('buyer' || n / 100 || '@shop.example')
        || CASE WHEN n % 200 = 0 THEN ARRAY['seldom'] ELSE '{{}}' END
        || CASE WHEN n * 2 < :at_last THEN ARRAY['formerly'] ELSE '{{}}' END
        || CASE WHEN n < 5000 OR n = :at_last - 1 THEN ARRAY['again'] ELSE '{{}}' END) AS term))
    FROM (
        SELECT *, id - 1 AS n, floor(extract(epoch FROM received_at) / (7 * 86400))::int AS week FROM callbacks
    ) AS _ WHERE id > :first
"""
# What differs from copy to copy: 1 in 1,000 waits for a person, one has an amount of its own.
_OWN = {
    "received_at": "c.received_at - interval '2 years' + n * interval '1 minute'",
    "state": "CASE WHEN n % 1000 = 0 THEN 'unprocessed' ELSE 'processed' END",
    "reason": "CASE WHEN n % 1000 = 0 THEN 'amount_mismatch' END",
    "order_id": "NULL",
    "order_number": f"({FIRST} + n)::text",
    "transaction_id": f"'pi_' || ({FIRST} + n)",
    "event_id": f"'evt_' || ({FIRST} + n)",
    "amount_minor": "CASE WHEN n = 4321 THEN 432100 WHEN n * 2 < {at_last} THEN 4990 ELSE 5990 END",
    "body": f"convert_to(replace(convert_from(b.body, 'UTF8'), '{FIRST}', ({FIRST} + n)::text), 'UTF8')",
}


def main() -> None:
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or list(SIZES)
    with place() as (_, account, _environ):
        _pattern(account)
        took: dict[tuple[str, str], list[str]] = {}
        for size in sizes:
            _grow(size, sizes[-1])
            for tab in TABS:
                for name, query in SEARCHES.items():
                    page, count = _measure(f"tab={tab}&{query}", account)
                    took.setdefault((tab, name), []).append(f"{page:8.1f} {count:8.1f}")
            _print(took, sizes)


def _pattern(account: GatewayAccount) -> None:
    """One processed and indexed callback to copy."""
    hand_in(account, [FIRST])
    said = paid(account, FIRST)
    body = said.body.replace(b'"object"', f'"note": "note{FIRST} succeeded", "object"'.encode(), 1)
    headers = (("Stripe-Signature", signature(body, int(time.time()))),)
    door().keeper.keep(replace(said, body=body, headers=headers), account.id, account.shop_id, asks=False)
    db.session.commit()
    drain(False)
    assert db.session.scalars(text("SELECT state FROM callbacks")).one() == "processed"
    progress = SearchProgress.take()
    assert progress is not None
    progress.fill(Round())
    db.session.commit()


def _grow(size: int, at_last: int) -> None:
    """So many callbacks and entries; the indexes are made anew, which is faster than to keep them up meanwhile."""
    db.session.execute(text("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL synchronous_commit = off"))
    indexes = db.session.execute(
        text(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename IN ('callbacks', 'search_entries') AND indexname NOT LIKE 'pk_%'"
        )
    ).all()
    for name, _ in indexes:
        db.session.execute(text(f"DROP INDEX {name}"))
    last = db.session.execute(text("SELECT max(id) FROM callbacks")).scalar_one()
    terms = db.session.scalar(text("SELECT tsvector_to_array(terms) FROM search_entries WHERE callback_id = 1"))
    bare = [term.partition(":")[2] for term in terms]
    copy(1, size - last, last, **{name: value.replace("{at_last}", str(at_last)) for name, value in _OWN.items()})
    db.session.execute(text(_FILL_ENTRIES), {"first": last, "terms": bare, "at_last": at_last})
    for _, definition in indexes:
        db.session.execute(text(definition))
    db.session.execute(text("UPDATE search_progress SET upto = :size"), {"size": size})
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) callbacks"))
        connection.execute(text("VACUUM (ANALYZE) search_entries"))


def _measure(query: str, account: GatewayAccount) -> tuple[float, float]:
    """Milliseconds for a page and for the count, the median of some rounds."""
    filter_, shop = Filter.from_query(query), account.shop
    pages, counts = [], []
    for _ in range(ROUNDS):
        db.session.rollback()
        started = time.perf_counter()
        page_of(filter_, shop)
        paged = time.perf_counter()
        count_up_to(filter_, shop, FOUND)
        pages.append(paged - started)
        counts.append(time.perf_counter() - paged)
    return statistics.median(pages) * 1000, statistics.median(counts) * 1000


def _print(took: dict[tuple[str, str], list[str]], sizes: list[int]) -> None:
    print(f"{'page and count, ms':38}" + "".join(f"{size:>19,}" for size in sizes), flush=True)
    for (tab, name), figures in took.items():
        print(f"{tab:12} {name:25}" + "  ".join(figures))


if __name__ == "__main__":
    main()
