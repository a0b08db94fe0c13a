"""Real processes: nothing that was acknowledged is lost, whatever dies meanwhile."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from flask import Flask
from redis import Redis as RedisClient
from sqlalchemy import func, select, update

from dev.services import Postgres, Redis
from dev.simulator import SimulatedGateways
from dev.stories import MIXES, Account, Call, End, PlaceOrder, Step, plan
from dev.traffic import play
from shopcallbacks.bells import ring
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import KeptBody, KeptRequest
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import AttemptKind, Entry, Lane, OrderState, State
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import Shop
from tests.factories import (
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_token,
    message,
    request_for,
    request_of,
)
from tests.processes import Site, site, until

CALLS = 2000
# Every wait for a silent gateway takes 10 s; that it is waited for is shown elsewhere.
MIX = {name: weight for name, weight in MIXES["default"].items() if name != "silent"}


@pytest.fixture
def gateways() -> Iterator[SimulatedGateways]:
    with SimulatedGateways() as simulated:
        yield simulated


@pytest.fixture
def accounts(app: Flask) -> tuple[Account, ...]:
    """Two shops' accounts, as their gateways know them. Stripe's secret was rotated; courses are paid in parts."""
    shop, courses = make_shop("demo"), make_shop("courses")
    courses.parts = True
    tokens = {shop.id: make_token(shop), courses.id: make_token(courses)}
    stripe = make_account(shop, signing_secrets=["whsec_retired"])
    former = stripe.secrets[0]
    former.ends_at = utcnow()
    retired = stripe.settings_with([former])[0]
    stripe.configure({"signing_secrets": ["whsec_live"]})
    paypal = make_account(shop, "paypal_ipn", receiver_emails=["paypal@demo.example"], environment="live")
    liqpay = make_account(shop, "liqpay", public_key="i12345678901", private_keys=["private_key_of_liqpay"])
    checkout = make_account(shop, "checkoutcom", signature_keys=["signature_key_of_checkout"])
    postfinance = make_account(courses, "postfinance", pspid="courses", sha_out=["sha_out_of_postfinance"])
    db.session.commit()
    currencies = {stripe: "EUR", paypal: "EUR", liqpay: "UAH", checkout: "EUR", postfinance: "CHF"}
    return tuple(
        Account(
            account.gateway,
            account.slug,
            account.callback_url,
            tokens[account.shop_id],
            account.settings_at(utcnow())[0],
            currency,
            retired=retired if account is stripe else {},
            parts=account.shop.parts,
        )
        for account, currency in currencies.items()
    )


@pytest.fixture(scope="module")
def web(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A web server for tests that only call it. Without a worker: what it keeps stays as it came."""
    with site(environ, tmp_path_factory.mktemp("web"), worker=False) as running:
        yield running


def count(*where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Callback.id)).where(*where)) or 0  # type: ignore[arg-type]


def quiet() -> bool:
    return count(Callback.due_at.is_not(None)) == 0


def hurry() -> None:
    """Waits until nothing is due any more, automatic attempts at once instead of in hours."""
    until(lambda: count(Callback.state == State.received) == 0, 150)
    for _ in range(8):
        db.session.execute(update(Callback).where(Callback.due_kind == AttemptKind.automatic).values(due_at=utcnow()))
        db.session.commit()
        ring(Lane.plain)
        ring(Lane.asking)
        until(lambda: count(Callback.due_at <= utcnow()) == 0, 150)
        if quiet():
            return
    raise AssertionError("automatic attempts do not end")


def kill_family(running: Site, name: str) -> None:
    """kill -9 of a process and all it forked, at once, as when a machine's memory runs out."""
    parent = psutil.Process(running.pid(name))
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()
    running.reap(name)


def test_nothing_is_lost_when_the_worker_is_killed_and_redis_comes_back_empty(
    accounts: tuple[Account, ...],
    gateways: SimulatedGateways,
    environ: dict[str, str],
    redis_server: Redis,
    tmp_path: Path,
) -> None:
    told = plan(accounts, CALLS, seed=26, at=utcnow(), mix=MIX)
    acknowledged: list[Call] = []
    done = threading.Semaphore(0)

    db.session.commit()  # telling takes longer than a transaction may do nothing

    with site(environ, tmp_path, GATEWAY_HOSTS=json.dumps(gateways.hosts)) as running:

        def tell(steps: tuple[Step, ...]) -> None:
            for step in steps:
                status = play(running.url, gateways, step)
                assert status in (200, 201)
                if isinstance(step, Call):
                    acknowledged.append(step)
                done.release()

        with ThreadPoolExecutor(8) as pool:
            telling = [pool.submit(tell, story.steps) for story in told]
            _wait_for(done, len(told) // 3)
            kill_family(running, "worker")
            _wait_for(done, len(told) // 3)
            redis_server.kill()
            redis_server.erase()
            _wait_for(done, len(told) // 10)
            redis_server.start()
            running.start("worker")
            for one in telling:
                one.result()
        hurry()

    calls = [call for story in told for call in story.calls]
    assert len(acknowledged) == len(calls) >= CALLS
    stored = Counter(
        (method, query, body)
        for method, query, body in db.session.execute(
            select(KeptRequest.method, KeptBody.query, KeptBody.body)
            .select_from(Callback)
            .join(KeptRequest, KeptRequest.of(Callback))
            .join(KeptBody, KeptBody.of(Callback))
        )
    )
    assert stored == Counter((call.method, call.query, call.body) for call in calls)
    _assert_orders([step for story in told for step in story.steps if isinstance(step, PlaceOrder)])
    _assert_ends(calls)
    for shop_id in db.session.scalars(select(Shop.id)).all():
        feed = select(OrderEvent.position).where(OrderEvent.shop_id == shop_id).order_by(OrderEvent.position)
        positions = db.session.scalars(feed).all()
        assert positions == list(range(1, len(positions) + 1))


def _assert_orders(placed: list[PlaceOrder]) -> None:
    orders = {order.number: order for order in db.session.scalars(select(Order))}
    payments = dict(
        db.session.execute(
            select(LedgerRow.order_id, func.count())
            .where(LedgerRow.entry == Entry.payment)
            .group_by(LedgerRow.order_id)
        ).all()
    )
    differences = []
    for step in placed:
        order = orders[step.order["number"]]
        is_ = (order.state, payments.get(order.id, 0))
        if is_ != (step.end, step.payments):
            differences.append(f"{order.number}: {is_}, not {(step.end, step.payments)}")
    assert differences == []


def _assert_ends(calls: list[Call]) -> None:
    by_body: dict[bytes, list[Callback]] = {}
    for callback in db.session.scalars(select(Callback)):
        by_body.setdefault(request_of(callback).body, []).append(callback)
    ends: dict[str | None, list[End]] = {}
    for call in calls:
        for callback in by_body[call.body]:
            ends.setdefault(callback.order_number, []).append(call.end)
    # What a dead worker had in hand is late, so of two payments of one order either may be the one that waits. The
    # orders are compared above; a callback that waits does so for a reason that its order's story has.
    waiting = [callback for same in by_body.values() for callback in same if callback.state is not State.processed]
    assert [
        f"{callback.id}: {callback.state} {callback.reason} {callback.detail}"
        for callback in waiting
        if not any(_is_at(callback, end) for end in ends[callback.order_number])
    ] == []


def _is_at(callback: Callback, end: End) -> bool:
    reason = not end.reasons or callback.reason in end.reasons
    return reason and callback.state is end.state and callback.conflict is end.conflict


def _wait_for(done: threading.Semaphore, steps: int) -> None:
    for _ in range(steps):
        assert done.acquire(timeout=30)


@pytest.mark.usefixtures("app")
def test_sigterm_finishes_the_batch_in_hand(environ: dict[str, str], tmp_path: Path) -> None:
    account = make_account()
    with site(environ, tmp_path, worker=False) as running:
        for _ in range(300):
            make_callback(account, message(make_order(account.shop)))
        running.start("worker")
        until(lambda: count(Callback.state == State.processed) > 0)
        assert running.stop("worker", signal.SIGTERM) == 0
        processed = count(Callback.state == State.processed)
        assert processed == db.session.scalar(select(func.count(Order.id)).where(Order.state == OrderState.open))
        running.start("worker")
        until(lambda: count(Callback.state == State.processed) == 300)


@pytest.mark.usefixtures("app")
def test_a_dead_child_of_the_worker_is_started_again(environ: dict[str, str], tmp_path: Path) -> None:
    account = make_account()
    with site(environ, tmp_path) as running:
        until(lambda: _pulse() is not None)
        for child in psutil.Process(running.pid("worker")).children():
            child.kill()
        request = request_for(account, message(make_order(account.shop)))
        requests.post(running.url + account.callback_path, data=request.body, headers=dict(request.headers), timeout=10)
        until(lambda: count(Callback.state == State.processed) == 1)


@pytest.mark.usefixtures("app")
def test_the_children_of_a_killed_worker_die_with_it(environ: dict[str, str], tmp_path: Path) -> None:
    with site(environ, tmp_path) as running:
        until(lambda: _pulse() is not None)
        children = psutil.Process(running.pid("worker")).children()
        assert len(children) == len(Lane) + 1  # and the scheduler
        os.kill(running.pid("worker"), signal.SIGKILL)
        running.reap("worker")
        until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


def _pulse() -> object:
    db.session.rollback()
    return Pulse.last()


def test_the_database_away_is_503_and_back_is_200(app: Flask, web: Site, postgres_server: Postgres) -> None:
    account = make_account()
    path = account.callback_path
    assert requests.post(web.url + path, data=b"1", timeout=10).status_code == 200
    db.session.remove()
    db.engine.dispose()
    postgres_server.stop()
    response = requests.post(web.url + path, data=b"2", timeout=20)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    postgres_server.start()
    until(lambda: requests.post(web.url + path, data=b"3", timeout=20).status_code == 200)
    assert set(db.session.scalars(select(KeptBody.body))) >= {b"1", b"3"}


def test_a_large_body_is_refused_before_it_is_read(app: Flask, web: Site) -> None:
    account = make_account()

    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 65536

    told = requests.post(web.url + account.callback_path, data=b"x" * (1024 * 1024 + 1), timeout=20)
    assert told.status_code == 413
    try:
        status = requests.post(web.url + account.callback_path, data=endless(), timeout=20).status_code
    except requests.ConnectionError:
        status = 413  # the server hung up on us in the middle of 64 MB
    assert status == 413
    assert count() == 0


def test_every_header_is_kept_in_order_with_its_repeats(app: Flask, web: Site) -> None:
    account = make_account()
    connection = http.client.HTTPConnection(web.url.removeprefix("http://"))
    connection.putrequest("POST", account.callback_path + "?b=%ff&a=1", skip_accept_encoding=True)
    for name, value in (("X-Sig", "b"), ("X-Other", "caf\xe9"), ("X-Sig", "a"), ("Content-Length", "0")):
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    assert connection.getresponse().status == 200
    connection.close()
    callback = db.session.scalars(select(Callback)).one()
    kept = [(name.upper(), value) for name, value in request_of(callback).headers]
    assert kept[1:] == [("X-SIG", "b"), ("X-OTHER", "caf\xe9"), ("X-SIG", "a"), ("CONTENT-LENGTH", "0")]
    assert (request_of(callback).query, request_of(callback).address) == (b"b=%ff&a=1", "127.0.0.1")


def test_redis_away_for_a_while_only_delays(
    app: Flask, environ: dict[str, str], redis_server: Redis, tmp_path: Path
) -> None:
    account = make_account()
    with site(environ, tmp_path) as running:
        until(lambda: _pulse() is not None)
        redis_server.kill()
        request = request_for(account, message(make_order(account.shop)))
        response = requests.post(
            running.url + account.callback_path, data=request.body, headers=dict(request.headers), timeout=10
        )
        assert response.status_code == 200
        redis_server.start()
        until(lambda: count(Callback.state == State.processed) == 1, 40)
    with RedisClient.from_url(redis_server.url) as redis:
        assert redis.ping()
