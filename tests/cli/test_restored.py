"""A back-up, put back: work goes on from it, and nothing that was told since is told again with another meaning."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from dev.services import POSTGRES_BIN, Postgres, create_database, libpq
from shopcallbacks import create_app
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain, drain_outgoing, sweep_outgoing
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing import parcels
from shopcallbacks.outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules
from shopcallbacks.outgoing.deliveries import Delivery
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.mark import mark
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity

from ..factories import make_account, make_callback, make_order, message, request_of

Restore = Callable[[], object]


@pytest.fixture
def dumped(postgres_server: Postgres, tmp_path: Path) -> Callable[[], Path]:
    def dump() -> Path:
        path = tmp_path / "the.dump"
        url = libpq(create_database(postgres_server.url, "test"))
        subprocess.run([POSTGRES_BIN / "pg_dump", "--format=custom", f"--file={path}", url], check=True)
        return path

    return dump


@contextmanager
def put_back(dump: Path, environ: dict[str, str], server: Postgres) -> Iterator[Flask]:
    """The product on that back-up, in a database of its own."""
    with psycopg.connect(libpq(server.url), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")
    url = libpq(create_database(server.url, "restored"))
    command = [POSTGRES_BIN / "pg_restore", f"--dbname={url}", dump]
    subprocess.run(command, check=True)
    app = create_app({**environ, "DATABASE_URL": environ["DATABASE_URL"].replace("/test", "/restored")})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    for name in ("bell", "counters", "door", "ask"):
        app.extensions[name].close()


def test_work_goes_on_from_a_back_up(
    app: Flask, environ: dict[str, str], postgres_server: Postgres, dumped: Callable[[], Path]
) -> None:
    account = make_account()
    made = [make_order(account.shop) for _ in range(2)]
    make_callback(account, message(made[0]))
    drain(False)
    make_callback(account, message(made[1]))  # waits when the back-up is made
    kept = _kept()
    places = _places()
    db.session.rollback()
    with put_back(dumped(), environ, postgres_server):
        assert _kept() == kept
        drain(False)
        assert set(db.session.scalars(select(Callback.state))) == {State.processed}
        assert set(db.session.scalars(select(Order.state))) == {OrderState.open}
        assert _places() == [*places, places[-1] + 1]
        with pytest.raises(DatabaseError):
            db.session.execute(text("DELETE FROM callbacks"))
        db.session.rollback()


def test_a_shop_hears_nothing_twice_with_another_meaning_from_an_older_back_up(
    app: Flask, environ: dict[str, str], postgres_server: Postgres, dumped: Callable[[], Path]
) -> None:
    account = make_account()
    Endpoint.add(account.shop_id, "https://shop.example/hook")
    account_id = account.id
    first = make_order(account.shop)
    make_callback(account, message(first))
    drain(False)
    parcels.spread()
    db.session.commit()
    waited = _told()
    back_up = dumped()
    make_callback(account, message(make_order(account.shop, "told since")))
    drain(False)
    parcels.spread()
    db.session.commit()
    since = _told()
    callbacks = set(db.session.scalars(select(Callback.id)))
    db.session.rollback()
    with put_back(back_up, environ, postgres_server) as restored:
        done = restored.test_cli_runner().invoke(args=["restored"])
        assert done.exit_code == 0, done.output
        assert "is off: switch it on in Settings > Shop endpoint." in done.output
        account = db.session.get_one(GatewayAccount, account_id)
        again = make_callback(account, message(make_order(account.shop, "another")))
        drain(False)
        parcels.spread()
        assert parcels.take(10, 10, 20) == []
        assert again.id not in callbacks
        endpoint = Endpoint.of(account.shop_id)
        assert endpoint is not None
        endpoint.enable()
        parcels.spread()
        told = _told()
        assert waited.items() <= told.items(), "under the names they had"
        new = {name: said for name, said in told.items() if name not in waited}
        assert len(new) > 1
        assert not new.keys() & since.keys()
        assert min(position for position, _ in new.values()) > max(position for position, _ in since.values())
        acts = db.session.scalars(select(Activity.what).where(Activity.shop_id == account.shop_id)).all()
        assert "shop endpoint: switched off, for a back-up was put back" in acts


def test_an_older_back_up_is_noticed_by_itself_and_nothing_is_sent_until_it_is_answered_for(
    app: Flask, environ: dict[str, str], postgres_server: Postgres, dumped: Callable[[], Path]
) -> None:
    account = make_account()
    Endpoint.add(account.shop_id, "https://shop.example/hook")
    rules = AlertRules.of(account.shop_id)
    rules.recipients = "dana@shop.example"
    make_order(account.shop)
    sweep_outgoing()
    back_up = dumped()
    make_order(account.shop, "told since")
    sweep_outgoing()
    account_id = account.id
    db.session.rollback()
    with put_back(back_up, environ, postgres_server) as restored:
        account = db.session.get_one(GatewayAccount, account_id)
        make_order(account.shop, "another", minor=100)  # perhaps under the very id and place of what was told since
        drain_outgoing()
        endpoint = Endpoint.of(account.shop_id)
        assert endpoint is not None
        assert not endpoint.enabled
        assert db.session.scalar(select(func.count(Delivery.id)).where(Delivery.delivered_at.is_not(None))) == 0
        (alert,) = db.session.scalars(select(AlertMessage).where(AlertMessage.kind == AlertKind.older))
        assert "flask restored" in alert.text
        endpoint.enable()  # by somebody who did not read it
        db.session.commit()
        sweep_outgoing()
        db.session.expire_all()
        assert not endpoint.enabled
        doctor = restored.test_cli_runner().invoke(args=["doctor"]).output
        assert "back-up: an older one was put back" in doctor
        assert restored.test_client().get("/health").json["back_up"] == "older than what was told"
        assert restored.test_cli_runner().invoke(args=["restored"]).exit_code == 0
        endpoint.enable()
        db.session.commit()
        sweep_outgoing()
        db.session.expire_all()
        assert endpoint.enabled
        assert "back-up: well" in restored.test_cli_runner().invoke(args=["doctor"]).output


def test_without_redis_it_is_not_told_and_restored_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise RedisError("away")

    Endpoint.add(make_account().shop_id, "https://shop.example/hook")
    db.session.commit()
    monkeypatch.setattr(Redis, "execute_command", away)
    assert mark().advance()
    done = app.test_cli_runner().invoke(args=["restored"])
    assert done.exit_code == 1
    assert "Redis is away, nothing is done." in done.output
    assert all(db.session.scalars(select(Endpoint.enabled)))


def _kept() -> list[tuple[int, Request]]:
    return [(one.id, request_of(one)) for one in db.session.scalars(select(Callback).order_by(Callback.id))]


def _places() -> list[int]:
    return list(db.session.scalars(select(OrderEvent.position).order_by(OrderEvent.position)))


def _told() -> dict[str, tuple[int, str]]:
    """By webhook-id: the place, and what it says."""
    found = db.session.scalars(select(Delivery)).all()
    return {one.name: (one.position, one.event.number) for one in found}
