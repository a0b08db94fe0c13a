"""Whatever breaks in an examination costs that callback and no other: where it is decided, asked, and previewed.

And what the database refuses is no verdict on any callback: it stays due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from shopcallbacks.callbacks import months, moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.due import Due
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import AttemptKind, Lane, OrderState, State
from shopcallbacks.domain.values import Ask, Asking, Request, Verification
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.jobs import drain, transactions
from shopcallbacks.jobs.sweeps import UPKEEP, upkeep
from shopcallbacks.orders import repeats
from shopcallbacks.orders.order import Order
from shopcallbacks.processing import examining, pipeline
from shopcallbacks.processing.case import Accounts
from shopcallbacks.release import RELEASE
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.secrets import Secret
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message
from ..processing.saying import Saying, say
from .scene import AskedSaying, paid


class LibrarysOwn(BaseException):
    """As pyo3's PanicException: no Exception."""


def _raising(error: BaseException) -> Callable[..., Any]:
    def breaks(*_: object) -> Any:
        raise error

    return breaks


def _deep(*_: object) -> Any:
    return _deep(*_)


def _loops(*_: object) -> Any:
    while True:
        pass


BREAKS: dict[str, Callable[..., Any]] = {
    "Exception": _raising(ValueError("no")),
    "BaseException": _raising(LibrarysOwn()),
    "MemoryError": _raising(MemoryError()),
    "GeneratorExit": _raising(GeneratorExit()),
    "StopIteration": _raising(StopIteration()),
    "RecursionError": _deep,
    "a loop": _loops,
    "nothing": lambda *_: None,
}


class Rotten(Saying):
    """Broken where it is told to be."""

    name = "rotten"


class AskedRotten(AskedSaying):
    name = "asked_rotten"


@pytest.fixture
def rotten(refused: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(GATEWAYS, "rotten", Rotten())
    monkeypatch.setitem(GATEWAYS, "asked_rotten", AskedRotten())
    monkeypatch.setattr(examining, "MOST_CPU_S", 0.3)
    return refused


def _told(asks: bool) -> tuple[Callback, Callback, Order]:
    """One of the rotten gateway, and behind it a good one in the same batch; and the good one's order."""
    shop = make_shop()
    prefix = "asked_" if asks else ""
    bad = GatewayAccount.add(shop, f"{prefix}rotten", "rotten", {})
    good = GatewayAccount.add(shop, f"{prefix}saying", "good", {})
    db.session.commit()
    order = make_order(shop, "good", 1000)
    ids = say(bad, paid("bad", "bad")), say(good, paid("good", "good"))
    db.session.execute(update(Callback).where(Callback.id.in_(ids)).values(asks=asks))
    db.session.commit()
    return db.session.get_one(Callback, ids[0]), db.session.get_one(Callback, ids[1]), order


def _assert_only_the_bad_one(bad: Callback, good: Callback, order: Order) -> None:
    db.session.expire_all()
    assert (bad.state, bad.reason, bad.due_at) == (State.unprocessed, Reason.crashed, None)
    assert bad.attempts[0].error
    assert bad.crashed_in == RELEASE
    assert (good.state, order.state) == (State.processed, OrderState.open)


@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
@pytest.mark.parametrize(
    ("how", "step"),
    [(how, step) for how in BREAKS for step in ("verify", "interpret") if (how, step) != ("nothing", "interpret")],
)
def test_a_gateways_file_that_breaks_costs_its_callback_only(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, how: str, step: str, asks: bool
) -> None:
    bad, good, order = _told(asks)
    monkeypatch.setattr(AskedRotten if asks else Rotten, step, BREAKS[how])
    drain(asks)
    _assert_only_the_bad_one(bad, good, order)


@pytest.mark.parametrize("how", [how for how in BREAKS if how != "nothing"])
def test_a_gateways_file_that_breaks_at_the_answer_costs_its_callback_only(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def verify(self: object, request: Request, settings: Mapping[str, Any]) -> Asking:
        yield Ask("GET", "https://gateway.example/is-it-so")
        BREAKS[how]()
        return Verification.genuine()

    bad, good, order = _told(asks=True)
    monkeypatch.setattr(AskedRotten, "verify", verify)
    drain(True)
    _assert_only_the_bad_one(bad, good, order)


@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
def test_a_gateway_that_left_the_registry_costs_its_callbacks_only(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    bad, good, order = _told(asks)
    monkeypatch.delitem(GATEWAYS, bad.account.gateway_name)
    drain(asks)
    _assert_only_the_bad_one(bad, good, order)


@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
def test_settings_that_break_cost_their_callbacks_only(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    bad, good, order = _told(asks)
    settings_with = GatewayAccount.settings_with

    def breaks(account: GatewayAccount, live: Any) -> Any:
        if account.slug == "rotten":
            raise KeyError("gone")
        return settings_with(account, live)

    monkeypatch.setattr(GatewayAccount, "settings_with", breaks)
    drain(asks)
    _assert_only_the_bad_one(bad, good, order)


def test_a_diagnosis_that_breaks_costs_its_callback_only(rotten: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good, order = _told(asks=False)
    monkeypatch.setattr(Rotten, "verify", lambda *_: Verification.not_genuine("no"))
    monkeypatch.setattr(examining, "explain", _raising(LibrarysOwn()))
    drain(False)
    _assert_only_the_bad_one(bad, good, order)


@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
def test_a_secret_that_cant_be_decrypted_closes_its_account_and_no_other(rotten: list[str], asks: bool) -> None:
    shop = make_shop()
    bad = make_account(shop)
    callback = make_callback(bad, message("x"))
    good = GatewayAccount.add(shop, "asked_saying" if asks else "saying", "good", {})
    order = make_order(shop, "good", 1000)
    other = say(good, paid("good", "good"))
    db.session.execute(update(Secret).where(Secret.account_id == bad.id).values(ciphertext=b"sealed by another key"))
    db.session.execute(update(Callback).where(Callback.id.in_((callback.id, other))).values(asks=asks))
    db.session.commit()
    db.session.expire_all()
    drain(asks)
    db.session.expire_all()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.account_disabled)
    assert "can't be decrypted" in callback.detail
    assert order.state is OrderState.open


@pytest.mark.parametrize("step", ["verify", "interpret"])
@pytest.mark.parametrize("how", [how for how in BREAKS if how != "nothing"])
def test_the_page_of_a_callback_that_breaks_is_there_all_the_same(
    rotten: list[str], client: FlaskClient, monkeypatch: pytest.MonkeyPatch, how: str, step: str
) -> None:
    bad, _, _ = _told(asks=False)
    drain(False)
    log_in(client, make_user(Role.manager, bad.account.shop))
    monkeypatch.setattr(Rotten, step, BREAKS[how])
    assert client.get(f"/callbacks/{bad.id}").status_code == 200
    assert client.get(f"/callbacks/{bad.id}/forced-retry").status_code == 200


def test_a_loop_ends_in_the_threads_of_a_web_server_too(
    app: Flask, rotten: list[str], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _, _ = _told(asks=False)
    drain(False)
    path = f"/callbacks/{bad.id}"
    log_in(client, make_user(Role.manager, bad.account.shop))
    monkeypatch.setattr(Rotten, "verify", _loops)

    def get() -> int:
        with app.app_context():
            return client.get(path).status_code

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(get).result(60) == 200
        assert pool.submit(get).result(60) == 200, "and nothing is left of it in the thread"


def test_the_page_of_a_callback_whose_gateway_left_the_registry_is_there_all_the_same(
    rotten: list[str], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _, _ = _told(asks=False)
    drain(False)
    log_in(client, make_user(Role.manager, bad.account.shop))
    path = f"/callbacks/{bad.id}"
    monkeypatch.delitem(GATEWAYS, "rotten")
    for page in (path, f"{path}/forced-retry", "/callbacks", "/"):
        assert client.get(page).status_code == 200, page


# What the database refuses


def _refusal(state: str) -> DBAPIError:
    error = psycopg.errors.lookup(state)("refused")
    return OperationalError("SELECT 1", {}, error)


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03", "57014", "57P01", "53300", "08006", "25P03", "58030"])
@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
def test_what_the_database_refuses_leaves_a_callback_due(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, state: str, asks: bool
) -> None:
    """Deadlock, serialisation, lock time-out, cancelled, terminated, too many, connection, idle, an I/O error."""
    bad, good, order = _told(asks)
    apply = pipeline.apply

    def refuses(findings: Any, accounts: Any) -> Any:
        findings = list(findings)
        if any(finding.due.id == bad.id for finding in findings):
            raise _refusal(state)
        return apply(findings, accounts)

    monkeypatch.setattr(pipeline, "apply", refuses)
    if asks:
        monkeypatch.setattr("shopcallbacks.jobs.asking.DRAIN_S", 0.5)
        db.session.execute(update(Callback).where(Callback.id == bad.id).values(due_at=utcnow()))
        db.session.commit()
    drain(asks)
    db.session.expire_all()
    assert (bad.state, bad.reason, bad.attempt_count) == (State.received, None, 0)
    assert bad.due_at is not None
    assert (good.state, order.state) == (State.processed, OrderState.open)
    monkeypatch.setattr(pipeline, "apply", apply)
    db.session.execute(update(Callback).values(leased_until=None))
    db.session.commit()
    drain(asks)
    db.session.expire_all()
    assert bad.reason is Reason.order_not_found


def test_real_refusals_are_told_apart_from_broken_code(rotten: list[str]) -> None:
    """A lock time-out, a cancelled statement and a terminated backend as PostgreSQL tells them; and a bad statement."""
    found = []
    for statement in (
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
    ):
        with pytest.raises(DBAPIError) as refusal:
            db.session.execute(text(statement))
        db.session.rollback()
        found.append(transactions.refused_by_database(refusal.value))
    assert found == [True, True]
    with pytest.raises(DBAPIError) as bad:
        db.session.execute(text("SELECT nonsense"))
    db.session.rollback()
    assert not transactions.refused_by_database(bad.value)


@pytest.mark.parametrize("asks", [False, True], ids=["plain", "asking"])
def test_a_connection_that_is_cut_while_a_callback_is_examined_is_no_verdict_on_it(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """Its account is read then, and the backend that reads is gone."""
    bad, good, order = _told(asks)
    case = Accounts.case
    times: list[int] = []

    def cuts(accounts: Accounts, due: Due) -> Any:
        if due.id == bad.id and len(times) < 2:
            times.append(due.id)
            db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return case(accounts, due)

    monkeypatch.setattr(Accounts, "case", cuts)
    drain(asks)
    db.session.expire_all()
    assert (bad.state, bad.reason, bad.attempt_count) == (State.received, None, 0)
    monkeypatch.setattr(Accounts, "case", case)
    db.session.execute(update(Callback).values(leased_until=None))
    db.session.commit()
    drain(asks)
    db.session.expire_all()
    assert bad.reason is Reason.order_not_found
    assert (good.state, order.state) == (State.processed, OrderState.open)


def test_a_lost_race_on_a_movement_is_decided_once_more(rotten: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good, order = _told(asks=False)
    apply, times = pipeline.apply, []

    def loses(findings: Any, accounts: Any) -> Any:
        findings = list(findings)
        if any(finding.due.id == good.id for finding in findings):
            times.append(len(findings))
            if len(times) <= 2:
                raise IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation("uq_ledger_movement"))
        return apply(findings, accounts)

    monkeypatch.setattr(pipeline, "apply", loses)
    drain(False)
    db.session.expire_all()
    assert times == [2, 1, 1], "the batch, then alone, then once more"
    assert (good.state, order.state) == (State.processed, OrderState.open)
    assert bad.reason is Reason.order_not_found


# Upkeep


def test_a_step_of_upkeep_that_breaks_costs_itself_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [
        (months, "make_ahead"),
        (moves, "due_by_time"),
        (Callback, "due_after_upgrade"),
        (pipeline, "find_lost"),
        (repeats, "forget"),
        (arrivals, "keep"),
    ]
    for where, name in steps:
        monkeypatch.setattr(where, name, _raising(ValueError("no")))
    upkeep()
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        f"Upkeep, {name}: ValueError" for name in UPKEEP
    ]


# After an upgrade


def test_what_crashed_is_tried_again_by_itself_once_the_code_is_another(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _, _ = _told(asks=False)
    make_order(bad.account.shop, "bad", 1000)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Rotten, "interpret", _raising(ValueError("no")))
        drain(False)
        upkeep()
        drain(False)
        db.session.expire_all()
        assert (bad.reason, bad.attempt_count) == (Reason.crashed, 1), "not while the code is the same"
    monkeypatch.setattr("shopcallbacks.jobs.sweeps.RELEASE", "the next")
    upkeep()
    drain(False)
    db.session.expire_all()
    assert (bad.state, bad.attempt_count) == (State.processed, 2)
    assert bad.attempts[1].kind is AttemptKind.automatic


def test_what_crashes_in_the_new_code_too_is_tried_once_a_release(
    rotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _, _ = _told(asks=False)
    monkeypatch.setattr(Rotten, "interpret", _raising(ValueError("no")))
    drain(False)
    db.session.execute(update(Callback).where(Callback.id == bad.id).values(crashed_in="the one before"))
    db.session.commit()
    for _ in range(4):
        upkeep()
        drain(False)
    db.session.expire_all()
    assert (bad.reason, bad.attempt_count, bad.crashed_in) == (Reason.crashed, 2, RELEASE)
    assert not Callback.any_due(Lane.plain)
