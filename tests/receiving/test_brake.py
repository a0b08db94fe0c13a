"""Whose callbacks come in a rush and are not genuine is answered slowly: all of them are kept, none is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.processing.braking import MANY
from shopcallbacks.receiving import brake
from shopcallbacks.receiving.brake import EVERY_S, Brake
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import make_account, make_callback, make_order, make_user, message, request_for
from ..processes import until


def forge(account: GatewayAccount, count: int) -> None:
    signer = make_account(account.shop, signing_secrets=["whsec_other"])
    for _ in range(count):
        make_callback(account, request_for(signer, message("26")))
    drained()


def drained() -> None:
    while drain(False):
        pass
    db.session.expire_all()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the answers were held; nobody waits for it here."""
    found: list[float] = []
    monkeypatch.setattr(brake, "sleep", found.append)
    return found


def test_a_rush_of_what_is_not_genuine_brakes_its_account_and_no_other(app: Flask) -> None:
    few, rushed = make_account(), make_account()
    forge(few, MANY - 1)
    forge(rushed, MANY)
    assert (few.braked_until is None, rushed.braked_until is None) == (True, False)


def test_a_storm_of_genuine_ones_brakes_nobody(app: Flask) -> None:
    account = make_account()
    for _ in range(MANY + 1):
        make_callback(account, message(make_order(account.shop)))
    drained()
    assert account.braked_until is None


def test_what_a_person_tries_again_among_many_brakes_nobody(app: Flask) -> None:
    account = make_account()
    forge(account, MANY)
    account.braked_until = None
    app.extensions.pop("braking")
    manager = make_user(Role.manager, account.shop)
    for callback in db.session.scalars(select(Callback)):
        callback.do(Verb.retry, manager)
    db.session.commit()
    drained()
    assert {callback.attempt_count for callback in db.session.scalars(select(Callback))} == {2}
    assert account.braked_until is None


def test_it_is_said_again_as_long_as_it_goes_on_and_ends_behind_it(app: Flask) -> None:
    account = make_account()
    forge(account, MANY)
    first = account.braked_until
    forge(account, MANY)
    assert account.braked_until == first  # once within some seconds
    app.extensions.pop("braking")
    forge(account, MANY)
    assert first is not None
    assert account.braked_until is not None
    assert account.braked_until > first
    account.braked_until = first.replace(year=first.year - 1)
    db.session.commit()
    assert not app.extensions["door"].addresses.find(account.shop.slug, account.slug).account.braked


def test_what_comes_to_a_braked_account_is_kept_before_its_answer_is_held_back(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    forge(account, MANY)
    genuine = request_for(account, message(make_order(account.shop)))
    found = []

    def last() -> State:
        with app.app_context():
            drained()
            return db.session.scalars(select(Callback.state).order_by(Callback.id.desc()).limit(1)).one()

    def sleep(seconds: float) -> None:
        with ThreadPoolExecutor(1) as worker:
            found.append(worker.submit(last).result())

    monkeypatch.setattr(brake, "sleep", sleep)
    sent = client.post(account.callback_path, data=genuine.body, headers=dict(genuine.headers))
    assert (sent.status_code, found) == (200, [State.processed])


def test_others_are_answered_at_once(client: FlaskClient, slept: list[float]) -> None:
    forge(make_account(), MANY)
    assert client.post(make_account().callback_path, data=b"{}").status_code == 200
    assert slept == []


def test_all_that_come_meanwhile_are_answered_together(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    came = (100.0, 100.25, 101.5, 101.999)
    for at in came:
        monkeypatch.setattr(brake, "time", lambda at=at: at)
        Brake().hold()
    assert [at + seconds for at, seconds in zip(came, slept, strict=True)] == pytest.approx([102.0] * 4)
    assert max(slept) <= EVERY_S


def test_who_has_very_many_connections_does_not_take_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    free, slept = threading.Event(), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        free.wait(10)

    monkeypatch.setattr(brake, "MOST_HELD", 2)
    monkeypatch.setattr(brake, "sleep", sleep)
    held = Brake()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(held.hold) for _ in range(2)]
        until(lambda: len(slept) == 2)
        held.hold()
        assert (len(slept), [one.done() for one in waiting]) == (2, [False, False])
        free.set()
    held.hold()
    assert len(slept) == 3
