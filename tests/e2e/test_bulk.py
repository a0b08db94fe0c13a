"""Bulk runs on real processes: a gateway that goes away and comes back, a killed worker, pause and cancel at work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dev.copies import copy
from dev.services import Redis
from dev.simulator import SimulatedGateways
from shopcallbacks.bells import ring, ring_bulk
from shopcallbacks.bulk.runs import BulkItem, BulkRun, ItemState, RunState
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks.attempts import Attempt
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import AttemptKind, Lane, OrderState, State, Verb
from shopcallbacks.domain.values import Answer
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role, User
from tests.bulk.test_runs import badly_signed, mend
from tests.factories import make_account, make_callback, make_order, make_user, message
from tests.processes import site, until

from .test_processes import kill_family

pytestmark = pytest.mark.usefixtures("app")


class PayPal(SimulatedGateways):
    """Says the same of whatever it is asked, and counts how often it was."""

    says = Answer(200, b"INVALID")
    asked = 0

    def answer(self, method: str, target: str, body: bytes) -> Answer | None:
        self.asked += 1
        return self.says


@pytest.fixture
def paypal() -> Iterator[PayPal]:
    with PayPal() as simulated:
        yield simulated


@pytest.fixture
def signed() -> GatewayAccount:
    """An account whose secret was entered wrongly, and is then mended."""
    return make_account(signing_secrets=["whsec_wrong"])


def start(user: User, verb: Verb = Verb.retry) -> BulkRun:
    run = BulkRun.start(user.shops[0], user, verb, Selection(Filter()), "seen at the bank")
    db.session.commit()
    ring_bulk()
    return run


def fresh(run: BulkRun) -> BulkRun:
    db.session.rollback()
    db.session.refresh(run)
    return run


def results(run: BulkRun) -> Counter[ItemState]:
    db.session.rollback()
    rows = db.session.execute(
        select(BulkItem.state, func.count()).where(BulkItem.run_id == run.id).group_by(BulkItem.state)
    )
    return Counter(dict(rows.all()))


def test_a_retry_that_asks_stops_while_the_gateway_is_away_and_goes_on_once_it_answers(
    paypal: PayPal, environ: dict[str, str], tmp_path: Path
) -> None:
    account = make_account(None, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live")
    manager = make_user(Role.manager, account.shop)
    orders = [make_order(account.shop) for _ in range(16)]
    for order in orders:
        make_callback(account, message(order))
    with site(environ, tmp_path, GATEWAY_HOSTS=json.dumps(paypal.hosts)):
        ring(Lane.asking)
        until(lambda: _count(Callback.reason == Reason.not_genuine, Callback.due_at.is_(None)) == 16)

        paypal.says, paypal.asked = Answer(503, b""), 0
        run = start(manager)
        until(lambda: fresh(run).state is RunState.stopped)
        assert paypal.asked == 1  # it began with one, and that told enough
        assert run.stopped_why
        assert (run.failed, run.asked, run.waiting) == (1, 0, 15)
        assert _count(Attempt.kind == AttemptKind.retry) == 1

        paypal.says = Answer(200, b"VERIFIED")
        run.resume(manager)
        db.session.commit()
        ring_bulk()
        until(lambda: fresh(run).state is RunState.done)
    assert results(run) == {ItemState.failed: 1, ItemState.succeeded: 15}
    assert (run.succeeded, run.failed, run.skipped, run.left) == (15, 1, 0, 0)
    told = list(db.session.scalars(select(BulkItem).where(BulkItem.run_id == run.id).order_by(BulkItem.place)))
    assert "could not be reached" in (told[0].result or "")
    assert [item.detail for item in told[1:]] == [f"Order {order.number} opened" for order in orders[1:]]
    db.session.expire_all()
    assert {order.state for order in orders[1:]} == {OrderState.open}


def test_a_run_goes_on_by_itself_after_everything_was_killed(
    signed: GatewayAccount, environ: dict[str, str], redis_server: Redis, tmp_path: Path
) -> None:
    many = 240
    manager = make_user(Role.manager, signed.shop)
    orders = [make_order(signed.shop) for _ in range(many)]
    badly_signed(signed, *orders)
    mend(signed)
    with site(environ, tmp_path) as running:
        run = start(manager)
        until(lambda: fresh(run).succeeded > 1)
        kill_family(running, "worker")
        kill_family(running, "web")
        redis_server.kill()
        redis_server.erase()
        left = fresh(run).left
        redis_server.start()
        running.start("web")
        running.start("worker")
        until(lambda: fresh(run).state is RunState.done, 60)
    assert left > 0
    assert (run.succeeded, run.failed, run.skipped) == (many, 0, 0)
    assert results(run) == {ItemState.succeeded: many}
    retried = select(Attempt.callback_id).where(Attempt.kind == AttemptKind.retry)
    assert Counter(db.session.scalars(retried)) == Counter(db.session.scalars(select(Callback.id)))
    assert _count(Order.state == OrderState.open) == many
    opened = Counter(db.session.scalars(select(OrderEvent.order_id).where(OrderEvent.kind == "opened")))
    booked = Counter(db.session.scalars(select(LedgerRow.order_id)))
    assert opened == booked == Counter(order.id for order in orders)


def test_a_run_at_work_is_paused_resumed_and_cancelled(
    signed: GatewayAccount, environ: dict[str, str], tmp_path: Path
) -> None:
    many = 900
    manager = make_user(Role.manager, signed.shop)
    badly_signed(signed, make_order(signed.shop))
    copy(db.session.scalars(select(Callback.id)).one(), many - 1)
    mend(signed)
    with site(environ, tmp_path):
        run = start(manager)
        until(lambda: fresh(run).done > 1)
        _act(run, "pause", manager)
        until(lambda: fresh(run).asked == 0)  # what was under way comes to its end
        paused = run.done
        assert run.state is RunState.paused
        assert 0 < paused < many
        make_callback(signed, message())
        ring(Lane.plain)
        ring_bulk()
        until(lambda: _count(Callback.state == State.received) == 0)  # the lane works on, the run does not
        assert fresh(run).done == paused

        _act(run, "resume", manager)
        until(lambda: fresh(run).done > paused)
        _act(run, "cancel", manager)
        until(lambda: fresh(run).asked == 0)
        assert run.state is RunState.cancelled
    assert paused < run.done < many
    assert results(run) == {ItemState.succeeded: run.done, ItemState.waiting: many - run.done}
    assert _count(Attempt.kind == AttemptKind.retry) == run.done
    assert _count(LedgerRow.id.is_not(None)) == 1


def _act(run: BulkRun, verb: str, user: User) -> None:
    """As the screen does it."""
    db.session.rollback()
    locked = BulkRun.lock(run.id)
    assert locked is not None
    getattr(locked, verb)(user)
    db.session.commit()
    ring_bulk()


def _count(*where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(*where)) or 0  # type: ignore[arg-type]
