"""Where much is kept nothing is read from end to end: of every statement that screens, polls, programs, workers and
commands ask, how PostgreSQL goes about it is looked at, and none may scan a large table.

The planner takes each table for one of 1,000,000 rows: their number in the catalogue says so, and all else that it
knows (how often which value is there, how they are ordered) is a share, and true of the `--plan-rows` that are there.
Only the pages are too few, which makes a scan look cheaper than it would be: what is none here is none there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask_migrate import upgrade
from redis import Redis as RedisClient
from sqlalchemy import func, select, text, update

from dev.filling import fill
from dev.services import Postgres, Redis, create_database, libpq
from shopcallbacks import create_app, jobs
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.extensions import db
from shopcallbacks.jobs.stand_in import stand_in
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.panel.filter import Sort, Tab
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.views.orders import LISTS

from .conftest import ROLE, Client
from .factories import message, process, request_for
from .life import Life, live
from .plans import Plans, explained
from .receiver import http_receiver

MILLION = 1_000_000
LARGE = {"callbacks", "attempts", "messages", "orders", "payments", "ledger", "order_events", "search_entries"}
# What must be read whole, and why.
WANTED_WHOLE = {
    "(callbacks.id NOT IN (SELECT claims.callback_id FROM claims": "of all on which nobody is it stops at 100,000",
}


@pytest.fixture(scope="module")
def rows(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("plan_rows"))


@pytest.fixture(scope="module")
def owner(postgres_server: Postgres) -> str:
    """A database of its own, which belongs to the superuser."""
    return libpq(create_database(postgres_server.url, "large"))


@pytest.fixture(scope="module")
def settings(owner: str, environ: dict[str, str]) -> dict[str, str]:
    own = owner.replace("postgres@", f"{ROLE}@")
    return environ | {"DATABASE_URL": own, "MIGRATION_DATABASE_URL": owner}


@pytest.fixture(scope="module")
def app(settings: dict[str, str], redis_server: Redis) -> Iterator[Flask]:
    with RedisClient.from_url(redis_server.url) as connection:
        connection.flushall()
    made = create_app(settings, TESTING=True, WTF_CSRF_ENABLED=False)
    made.test_client_class = Client
    made.extensions["outgoing"] = Outgoing(allow_http=True, allow_private=True)
    with made.app_context():
        upgrade()
        yield made
        db.session.remove()
        db.engine.dispose()
    for name in ("bell", "counters", "door", "ask"):
        made.extensions[name].close()


@pytest.fixture(scope="module")
def life(app: Flask, settings: dict[str, str], owner: str, redis_server: Redis, rows: int) -> Iterator[Life]:
    """A shop's day, and behind it two months of others."""
    with http_receiver() as receiver, RedisClient.from_url(redis_server.url) as redis:
        lived = live(app, redis, receiver)
        account_id = lived.stripe.id
        db.session.commit()
        with create_app(settings | {"DATABASE_URL": owner}).app_context():
            fill(db.session.get_one(GatewayAccount, account_id), rows, every=timedelta(days=60) / rows)
            db.session.execute(_SEEM_MANY, {"times": MILLION / rows, "least": rows / 3})
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
        jobs.upkeep()  # hours that are over are counted once, and kept
        yield lived


@pytest.fixture(scope="module")
def plans(app: Flask, life: Life) -> Plans:
    """Of all that is asked while everything is looked at and done."""
    large = set(db.session.scalars(_LARGE))
    db.session.commit()
    with explained(large) as plans:
        _look(app, life)
        _call(life)
        _work()
        _act(life)
        _work()
        _command(app)
    return plans


_SEEM_MANY = text(
    "WITH large AS (SELECT oid FROM pg_class WHERE relkind = 'r' AND reltuples >= :least) "
    "UPDATE pg_class SET reltuples = reltuples * :times WHERE oid IN ("
    "SELECT oid FROM large UNION SELECT indexrelid FROM pg_index JOIN large ON large.oid = indrelid)"
)
_LARGE = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 200000")


def _look(app: Flask, life: Life) -> None:
    """All that is shown, to people and to programs."""
    for path in (*_paths(app), *_QUERIES):
        client = life.clients["program" if path.startswith("/api/") else "owner"]
        with client.get(path) as response:
            assert response.status_code < 500, path
            next(iter(response.response), b"")  # of a file the beginning is enough


def _paths(app: Flask) -> Iterator[str]:
    """Every address, of one that waits and of one that is settled."""
    waits = select(func.max(Callback.id)).where(Callback.state == State.unprocessed)
    done = select(func.max(Callback.id)).where(Callback.state == State.processed)
    ids = {"callbacks": [db.session.scalar(one) for one in (waits, done)]}
    ids["api"] = ids["callbacks"]
    ids["orders"] = [db.session.scalar(select(func.max(Order.id)))]
    db.session.commit()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "receiving.receive"):
            continue
        for id_ in ids.get(rule.rule.split("/")[1], [1]) if "id_>" in rule.rule else [0]:
            path = re.sub(r"<int:(id_|callback_id)>|<id_>", str(id_), rule.rule)
            yield path.replace("<path:number>", "filled-77").replace("<name>", "worldpay")


_DAY = utcnow().date() - timedelta(days=30)
_FILTERS = (
    "account=stripe",
    "reason=not_genuine",
    "conflict=paid_already",
    f"from={_DAY}",
    f"to={_DAY}",
    "order=filled-77",
    "q=filled-77",
    "q=paid",
    "q=nothing",
    "known=0",
    "on=nobody",
    "on=1",
    "notes=1",
)
_DOWNLOADS = ("orders", "bookings", "owed", "callbacks", "activity")
_QUERIES = (
    *(f"/callbacks?tab={tab}&sort={sort}" for tab in Tab for sort in Sort),
    *(f"/callbacks?tab={tab}&{narrower}" for tab in (Tab.unprocessed, Tab.all) for narrower in _FILTERS),
    *(f"/callbacks?tab=all&{narrower}&sort=-amount" for narrower in _FILTERS),
    *(f"/callbacks/news?tab={tab}&since={quote((utcnow() - timedelta(minutes=1)).isoformat())}" for tab in Tab),
    *(f"/callbacks.csv?tab={tab}" for tab in Tab),
    *(f"/orders?state={state}" for state in OrderState),
    *(f"/orders?{name}=1" for name in LISTS),
    *("/orders?number=filled-77", "/search?q=filled-77", "/search?q=paid", "/?by=days", "/activity?who=1&verb=retry"),
    *(f"/download?what={what}" for what in _DOWNLOADS),
    *(f"/download?what={what}&from={_DAY}&to={_DAY}" for what in _DOWNLOADS),
    *("/api/callbacks", "/api/callbacks?tab=all", "/api/callbacks?tab=all&q=paid", "/api/events?after=7"),
    *(f"/bulk/new?verb={verb}&all=1&tab={tab}" for tab in Tab for verb in tab.verbs),
)


def _call(life: Life) -> None:
    """What gateways and the shop send: new, repeated, forged, of no order and of an order that is paid."""
    program, nobody = life.clients["program"], life.clients["nobody"]
    order = {"number": "new-1", "amount": "59.90", "currency": "EUR"}
    assert program.post("/api/orders", json=order, headers={"Idempotency-Key": "1"}).status_code == 201
    assert program.post("/api/orders", json=order, headers={"Idempotency-Key": "1"}).status_code == 201
    assert program.post("/api/orders", json=order | {"number": "new-2"}).status_code == 201
    assert program.post("/api/orders/new-2/cancel").status_code == 200
    for number in ("new-1", "new-2", "filled-77", "Filled77", "nowhere"):
        request = request_for(life.stripe, message(number))
        for _ in range(2):
            sent = nobody.post(life.stripe.callback_path, data=request.body, headers=dict(request.headers))
            assert sent.status_code == 200
    assert nobody.post(life.stripe.callback_path, data=b"{}").status_code == 200


def _work() -> None:
    """Every job, and who stands in for them."""
    process()
    for asks in (False, True):
        jobs.sweep(asks)
    jobs.sweep_outgoing()
    jobs.upkeep()
    jobs.drain_outgoing()
    jobs.bulk()
    jobs.index()
    db.session.execute(update(Pulse).values(seen_at=utcnow() - timedelta(hours=1)))
    db.session.commit()
    stand_in()


def _act(life: Life) -> None:
    """Each verb on one of the latest, and a run over all that wait."""
    manager = life.clients["manager"]
    latest = select(Callback.id).where(Callback.state == State.unprocessed).order_by(Callback.id.desc()).limit(12)
    ids = db.session.scalars(latest).all()
    db.session.commit()
    for id_, act in zip(ids, itertools.cycle(("retry", "forced-retry", "removal", "notes", "claim")), strict=False):
        sent = manager.post(f"/callbacks/{id_}/{act}", data={"why": "because", "text": "a note"})
        assert sent.status_code < 500
        assert manager.get(f"/callbacks/{id_}").status_code == 200
        manager.post(f"/callbacks/{id_}/undo")
    assert manager.post("/bulk", data={"verb": "retry", "all": "1", "tab": "unprocessed"}).status_code == 303
    while jobs.bulk() or jobs.drain(asks=False):
        pass
    assert manager.get("/bulk").status_code == 200


def _command(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    for args in (
        "doctor",
        "callbacks list toys",
        "callbacks show 1",
        "orders show toys filled-77",
        "shops list",
        "gateways list toys",
        "requests list",
        "users list",
        "tokens list toys",
    ):
        found = run(args=args.split())
        assert found.exception is None or isinstance(found.exception, SystemExit), args


def test_the_walk_asks_of_every_large_table(plans: Plans) -> None:
    """Else it would prove nothing that nothing is read whole."""
    assert plans.large >= LARGE
    assert plans.tables >= LARGE
    assert len(plans.asked) > 300


def test_no_statement_reads_a_large_table_from_end_to_end(plans: Plans) -> None:
    found = {
        f"{statement[:400]} ... {statement[-600:]}": tables
        for statement, (tables, _) in plans.read_whole.items()
        if not any(part in statement for part in WANTED_WHOLE)
    }
    assert found == {}
