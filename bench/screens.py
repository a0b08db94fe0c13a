"""Server time of each screen and each of its polls where much is kept, beside the same where little is.

BENCH_CALLBACKS says how much (500,000; the goals are for 5,000,000). One in a hundred waits for a person.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

from flask.testing import FlaskClient
from sqlalchemy import text

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount

from .people import hired
from .place import fill, place
from .table import Bound, Line, Row

LITTLE, MUCH, STEP, LOOKS = 5_000, int(os.environ.get("BENCH_CALLBACKS", "500000")), 250_000, 20
SCREENS = {
    "/": "dashboard",
    "/queue": "its widget, polled",
    "/callbacks": "panel",
    "/callbacks?tab=all": "panel, all",
    "/callbacks?tab=all&q=filled-7": "panel, search by an order",
    "/callbacks/causes": "by cause",
    "/callbacks/{id}": "a callback",
    "/orders": "orders",
    "/orders/filled-77": "an order",
}
# As if their secret had been wrong: what else is known of them is of no interest here.
WAITS = """
UPDATE callbacks SET state = 'unprocessed', reason = 'not_genuine', effect = NULL, verdict = 'not_genuine',
    settled_at = NULL WHERE id % 100 = 0 AND id > :behind AND state = 'processed'
"""


def measure() -> Iterator[Row]:
    with place() as (app, account, _):
        app.config["WTF_CSRF_ENABLED"] = False
        client = app.test_client()
        form = hired(account.shop)
        assert client.post("/login", data=form).status_code == 303
        _fill(account, 1, LITTLE)
        little = {address: _looked(client, address) for address in SCREENS}
        for first in range(LITTLE + 1, MUCH, STEP):
            _fill(account, first, min(STEP, MUCH - first + 1))
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        for address, name in SCREENS.items():
            much = _looked(client, address)
            beside = f"of {LITTLE:,}"
            yield Line(f"{name}, of {MUCH:,}: p95", beside, "ms", [much], [little[address]], 1.5, less_is_better=True)
            yield Bound(f"{name}: p95", "ms", [much], 150 if "q=" in address else 60)


def _fill(account: GatewayAccount, first: int, count: int) -> None:
    behind = db.session.scalar(text("SELECT coalesce(max(id), 0) FROM callbacks"))
    fill(account, count, first)
    db.session.execute(text(WAITS), {"behind": behind})
    db.session.commit()


def _looked(client: FlaskClient, address: str) -> float:
    """Milliseconds until the answer is there, of 95 in 100 looks."""
    id_ = db.session.scalar(text("SELECT max(id) FROM callbacks"))
    db.session.rollback()
    took = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        assert client.get(address.format(id=id_)).status_code in (200, 204), address
        took.append((time.perf_counter() - started) * 1000)
    return statistics.quantiles(took, n=20)[-1]
