"""A worker that is neither dead nor alive, as in a machine that was paused, holds up the others for seconds only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from dev.services import Postgres
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from tests.factories import make_account, make_callback, make_order, make_token, message
from tests.processes import Site, site, until

MANY = 400
BELOW_A_MINUTE_S = 50  # what a transaction that has nothing in hand may stand still for
IN_HAND = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'test' AND state = 'idle in transaction' "
    "AND backend_xid IS NOT NULL"
)


@pytest.fixture
def watch(app: Flask, postgres_server: Postgres) -> Iterator[psycopg.Connection]:
    """As the superuser."""
    with psycopg.connect(postgres_server.url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _freeze_in_a_batch(running: Site, watch: psycopg.Connection) -> list[psutil.Process]:
    """All of the worker, at a moment when it has something in hand."""
    parent = psutil.Process(running.pid("worker"))
    frozen = [parent, *parent.children(recursive=True)]
    caught = False

    def caught_now() -> bool:
        nonlocal caught
        for one in frozen:
            one.suspend()
        caught = watch.execute(IN_HAND).fetchone() != (0,)
        if not caught:
            for one in frozen:
                one.resume()
        return caught

    until(caught_now, 60)
    return frozen


def test_a_worker_that_is_frozen_in_a_batch_holds_up_the_others_for_seconds_only(
    app: Flask, environ: dict[str, str], watch: psycopg.Connection, tmp_path: Path
) -> None:
    account = make_account()
    token = make_token(account.shop)
    db.session.commit()
    orders = [make_order(account.shop) for _ in range(MANY)]
    for order in orders:
        make_callback(account, message(order))
    db.session.rollback()
    with site(environ, tmp_path, worker=False) as running:
        running.start("worker")
        until(lambda: len(psutil.Process(running.pid("worker")).children()) == 4)
        frozen = _freeze_in_a_batch(running, watch)
        try:
            left = _count(Callback.state == State.received)
            running.start("worker two")
            until(lambda: _count(Callback.state == State.processed) == MANY, BELOW_A_MINUTE_S)
            assert left > 0
            for number in {orders[0].number, orders[-1].number}:
                answer = requests.post(
                    f"{running.url}/api/orders",
                    json={"number": number, "amount": "59.90", "currency": "EUR"},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=20,
                )
                assert answer.status_code in (200, 409)
        finally:
            for one in frozen:
                one.resume()
        late = make_callback(account, message(make_order(account.shop)))
        until(lambda: _count(Callback.state == State.processed) == MANY + 1, 30)
        assert late.id
    assert _count(Callback.reason == Reason.crashed) == 0
    assert _count(Callback.attempt_count != 1) == 0
    assert db.session.scalar(select(func.count(Order.id)).where(Order.state == OrderState.open)) == MANY + 1


def _count(*where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Callback.id)).where(*where)) or 0  # type: ignore[arg-type]
