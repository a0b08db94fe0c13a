"""Keeping: together, each as it came, and never without saying so where it may have failed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import KeptBody
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.receiving.keeping import Keeper, NotKept
from shopcallbacks.receiving.line import Line
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account
from ..processes import until


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are opened from here on."""
    monkeypatch.setattr("shopcallbacks.receiving.line.STATEMENT_TIMEOUT", "100ms")


@pytest.fixture
def line(app: Flask) -> Iterator[Line]:
    found = Line(app.config)
    yield found
    found.close()


@pytest.fixture
def keeper(line: Line) -> Iterator[Keeper]:
    found = Keeper([line])
    yield found
    found.close()


def request(body: bytes, path: str = "/x") -> Request:
    return Request("POST", path, b"a=1", (("X-TWICE", "b"), ("X-TWICE", "a")), body, "192.0.2.1", utcnow())


def keep(keeper: Keeper, account: GatewayAccount, *requests: Request) -> list[int | None]:
    """All at once, the first of them while the line is busy; None where one was not kept."""
    id_, shop_id = account.id, account.shop_id

    def one(request: Request) -> int | None:
        try:
            return keeper.keep(request, id_, shop_id, asks=False, at=request.arrived_at)
        except NotKept:
            return None

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))


def end_sessions_of_others() -> int:
    ended = db.session.scalar(
        text(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE '%INSERT INTO callbacks%'"
        )
    )
    db.session.rollback()
    return ended or 0


def test_many_at_once_are_kept_each_as_it_came(keeper: Keeper, account: GatewayAccount) -> None:
    requests = [request(b"%d" % n) for n in range(200)]
    ids = keep(keeper, account, *requests)
    kept = {callback.id: callback for callback in db.session.scalars(select(Callback))}
    assert len(kept) == 200
    assert [kept[id_ or 0].request for id_ in ids] == requests


@pytest.fixture
def statements(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many callbacks were in each statement. The first one waits until all of twenty are there."""
    real, found = Line.run, []

    def run(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        found.append(statement.count(b"($"))
        if len(found) == 1:
            until(lambda: found[0] + keeper._waiting[0].qsize() == 20)
        return real(self, statement, values)

    monkeypatch.setattr(Line, "run", run)
    return found


def test_what_waits_goes_into_one_statement(keeper: Keeper, account: GatewayAccount, statements: list[int]) -> None:
    assert None not in keep(keeper, account, *(request(b"%d" % n) for n in range(20)))
    assert (len(statements), sum(statements)) == (2, 20)


def test_one_that_the_database_refuses_takes_no_other_with_it(
    keeper: Keeper, account: GatewayAccount, statements: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    requests = [request(b"%d" % n) for n in range(20)]
    requests[7] = replace(requests[7], path="/secret-token\0")  # no text of PostgreSQL's
    with caplog.at_level(logging.ERROR):
        ids = keep(keeper, account, *requests)
    assert [n for n, id_ in enumerate(ids) if id_ is None] == [7]
    assert db.session.scalar(select(func.count(Callback.id))) == 19
    assert max(statements) > 1
    assert "secret-token" not in caplog.text


def test_with_one_that_is_refused_each_other_is_let_go_once_it_is_kept(
    keeper: Keeper, account: GatewayAccount, statements: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, run = Event(), Line.run

    def stops_at_the_last(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        if len(statements) > 1 and sum(statements) + 1 == 20 + statements[1]:  # the last of those tried again
            assert go_on.wait(60)
        return run(self, statement, values)

    monkeypatch.setattr(Line, "run", stops_at_the_last)
    id_, shop_id = account.id, account.shop_id
    requests = [request(b"%d" % n, "/\0" if n == 19 else "/x") for n in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(keeper.keep, one, id_, shop_id, asks=False) for one in requests]
        try:
            until(lambda: sum(one.done() for one in answers) == 19)
        finally:
            go_on.set()
    assert [n for n, one in enumerate(answers) if one.exception()] == [19]


def test_what_is_refused_for_no_row_of_it_is_not_tried_row_by_row(
    impatient: None, keeper: Keeper, account: GatewayAccount, statements: list[int]
) -> None:
    """Each would wait as long for the same, and all that come meanwhile behind it."""
    shop_and_account_are_read = account.id, account.shop_id  # before the lock
    assert all(shop_and_account_are_read)
    db.session.execute(text("LOCK TABLE callbacks IN EXCLUSIVE MODE"))
    assert set(keep(keeper, account, *(request(b"%d" % n) for n in range(20)))) == {None}
    assert (len(statements), sum(statements)) == (2, 20)


def test_a_deadlock_is_tried_once_more_by_all_together(
    keeper: Keeper, account: GatewayAccount, statements: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, deadlocks = psycopg.Connection.execute, [psycopg.errors.DeadlockDetected()]

    def execute(self: psycopg.Connection, *args: object) -> object:
        if deadlocks:
            raise deadlocks.pop()
        return real(self, *args)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    assert None not in keep(keeper, account, *(request(b"%d" % n) for n in range(20)))
    assert len(statements) == 3
    assert db.session.scalar(select(func.count(Callback.id))) == 20


def test_a_large_body_holds_up_no_other(
    app: Flask, account: GatewayAccount, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_line, go_on, real = Line(app.config), Event(), Line.run

    def run(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        assert self is not large_line or go_on.wait(60)
        return real(self, statement, values)

    monkeypatch.setattr(Line, "run", run)
    keeper, large = Keeper([line, large_line]), request(b"x" * 100_000)
    id_, shop_id = account.id, account.shop_id
    try:
        with ThreadPoolExecutor(3) as pool:
            first, second = (pool.submit(keeper.keep, large, id_, shop_id, asks=False) for _ in range(2))
            small = pool.submit(keeper.keep, request(b"small"), id_, shop_id, asks=False)
            kept = small.result(60)
            assert not first.done()
            go_on.set()
            assert len({kept, first.result(60), second.result(60)}) == 3
    finally:
        go_on.set()
        keeper.close()
        large_line.close()
    found = db.session.get_one(Callback, first.result()).request
    assert found is not None
    assert found.body == large.body


def test_a_session_that_was_ended_while_it_was_idle_is_not_noticed(keeper: Keeper, account: GatewayAccount) -> None:
    for n in range(5):
        assert keep(keeper, account, request(b"%d" % n)) != [None]
        assert end_sessions_of_others() >= 1
    assert db.session.scalar(select(func.count(Callback.id))) == 5


def test_an_answer_that_was_lost_is_not_asked_for_again(
    keeper: Keeper, account: GatewayAccount, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be kept or not: who sent it is told that it is not, and it is not stored twice by us."""
    real = psycopg.Connection.execute

    def execute(self: psycopg.Connection, *args: object, **more: object) -> object:
        real(self, *args, **more)
        self.pgconn.finish()
        raise psycopg.OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", execute)
        assert keep(keeper, account, request(b"1")) == [None]
    assert db.session.scalar(select(func.count(Callback.id))) == 1
    assert keep(keeper, account, request(b"2")) != [None]


def test_a_statement_that_takes_too_long_is_not_kept_and_the_next_one_is(
    impatient: None, keeper: Keeper, account: GatewayAccount
) -> None:
    shop_and_account_are_read = account.id, account.shop_id  # before the lock
    assert all(shop_and_account_are_read)
    db.session.execute(text("LOCK TABLE callbacks IN EXCLUSIVE MODE"))
    assert keep(keeper, account, request(b"1")) == [None]
    db.session.rollback()
    assert keep(keeper, account, request(b"2")) != [None]
    assert list(db.session.scalars(select(KeptBody.body))) == [b"2"]


def test_who_waited_for_long_is_told_that_it_is_not_kept_and_what_nobody_waits_for_is_left(
    keeper: Keeper, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, run = Event(), Line.run

    def waits(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        assert go_on.wait(60)
        return run(self, statement, values)

    with monkeypatch.context() as patch:
        patch.setattr(Line, "run", waits)
        patch.setattr("shopcallbacks.receiving.keeping.PATIENCE_S", 0.1)
        assert keep(keeper, account, request(b"perhaps kept")) == [None]
        assert keep(keeper, account, request(b"left")) == [None]
        go_on.set()
    assert keep(keeper, account, request(b"kept")) != [None]
    assert set(db.session.scalars(select(KeptBody.body))) == {b"perhaps kept", b"kept"}


def test_what_comes_behind_the_end_is_told_that_it_is_not_kept(
    keeper: Keeper, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, go_on, run = Event(), Event(), Line.run

    def waits(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        busy.set()
        assert go_on.wait(60)
        return run(self, statement, values)

    monkeypatch.setattr(Line, "run", waits)
    monkeypatch.setattr("shopcallbacks.receiving.keeping.PATIENCE_S", 60)
    id_, shop_id = account.id, account.shop_id
    with ThreadPoolExecutor(3) as pool:
        last = pool.submit(keeper.keep, request(b"1"), id_, shop_id, asks=False)
        assert busy.wait(60)
        pool.submit(keeper.close)
        until(lambda: keeper._waiting[0].qsize() == 1)
        behind = pool.submit(keeper.keep, request(b"2"), id_, shop_id, asks=False)
        until(lambda: keeper._waiting[0].qsize() == 2)
        go_on.set()
        assert isinstance(behind.exception(30), NotKept)
        assert last.result()


def test_a_database_that_can_not_be_reached_is_tried_once_for_all_that_ask_meanwhile(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[dict[str, object]] = []

    def connect(*args: object, **arguments: object) -> None:
        tried.append(arguments)
        raise psycopg.OperationalError

    def asks(_: int) -> None:
        with pytest.raises(psycopg.OperationalError):
            line.run(b"SELECT 1", ())

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr("shopcallbacks.receiving.line.QUIET_S", 60)
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(asks, range(5)))
    assert [arguments["connect_timeout"] for arguments in tried] == [2]
