"""What counts as needing a person, and what stands on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, select, text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import decisions, glance, queue
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import AttemptKind, OrderState, State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.orders import lists
from shopcallbacks.shops.accounts import GatewayAccount, Mode

from ..factories import long_history, make_account, make_callback, make_order, make_shop, message, process


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account()


def callbacks_in(account: GatewayAccount) -> tuple[list[int], list[int]]:
    """The ids of those that need a person, and of those on their way."""
    now = utcnow()
    conditions = (queue.needs_a_person(account.shop_id, now), queue.waits(account.shop_id, now))
    one, other = (list(db.session.scalars(select(Callback.id).where(c).order_by(Callback.id))) for c in conditions)
    return one, other


def put(callback: Callback, state: State, reason: Reason | None = None, kind: AttemptKind | None = None) -> Callback:
    callback.state, callback.reason, callback.due_kind = state, reason, kind
    callback.due_at = utcnow() + timedelta(minutes=5) if kind else None
    db.session.commit()
    return callback


@pytest.mark.parametrize(
    ("state", "kind", "place"),
    [
        (State.unprocessed, None, "person"),
        (State.unprocessed, AttemptKind.retry, "person"),
        (State.unprocessed, AttemptKind.forced, "person"),
        (State.unprocessed, AttemptKind.automatic, "on its way"),
        (State.received, AttemptKind.first, "on its way"),
        (State.processed, None, "neither"),
        (State.invalid, None, "neither"),
    ],
)
def test_each_callback_has_its_place(
    account: GatewayAccount, state: State, kind: AttemptKind | None, place: str
) -> None:
    callback = put(make_callback(account, message()), state, Reason.crashed, kind)
    person, on_its_way = callbacks_in(account)
    assert (callback.id in person, callback.id in on_its_way) == (place == "person", place == "on its way")
    assert queue.count(account.shop_id, utcnow()) == len(person)


def test_what_nobody_looked_at_for_a_minute_needs_a_person(account: GatewayAccount) -> None:
    stuck = make_callback(account, message(), utcnow() - timedelta(seconds=61))
    found = glance.summary(account.shop_id, utcnow())
    assert callbacks_in(account) == ([stuck.id], [])
    assert (found.groups[0].reason, found.due, found.looked_at_until) == (None, 1, stuck.received_at)


def test_another_shops_are_not_counted(account: GatewayAccount) -> None:
    put(make_callback(make_account(make_shop()), message()), State.unprocessed, Reason.crashed)
    assert glance.summary(account.shop_id, utcnow()).groups == ()


def test_each_order_is_at_stake_once_and_with_its_own_amount(account: GatewayAccount) -> None:
    order, yen = make_order(account.shop), make_order(account.shop, minor=12300, currency="JPY")
    for claim in (Money(1, "EUR"), Money(999_999_00, "EUR")):
        make_callback(account, message(order, money=claim))
    make_callback(account, message(yen, money=Money(1, "JPY")))
    process()
    yen.state = OrderState.cancelled
    db.session.commit()
    found = glance.summary(account.shop_id, utcnow())
    assert found.stakes == (Money(5990, "EUR"), Money(12300, "JPY"))
    assert (found.count, found.openable) == (3, 1)
    assert [group.stakes for group in found.groups] == [found.stakes]


def test_a_test_order_is_counted_and_is_no_money(account: GatewayAccount) -> None:
    trials = make_account(account.shop, mode=Mode.test)
    order = make_order(account.shop, test=True)
    make_callback(trials, message(order, money=Money(1, "EUR"), test=True))
    process()
    found, undecided = (of(account.shop_id, utcnow()) for of in (glance.summary, decisions.still_open))
    assert (found.count, found.openable, found.stakes, found.groups[0].stakes) == (1, 1, (), ())
    assert (undecided.payments, undecided.stakes) == (1, ())
    order.owed_minor = 5990
    db.session.commit()
    assert lists.owed_sums(account.shop_id) == ((), 1)


def test_causes_of_an_account_are_told_apart_and_others_are_not(account: GatewayAccount) -> None:
    other = make_account(account.shop)
    for one in (account, other):
        put(make_callback(one, message()), State.unprocessed, Reason.not_genuine)
        put(make_callback(one, message()), State.unprocessed, Reason.unclear)
    groups = glance.summary(account.shop_id, utcnow()).groups
    assert (groups[0].reason, groups[0].count, groups[0].account) == (Reason.unclear, 2, None)
    assert {group.account for group in groups[1:]} == {account, other}


@pytest.mark.parametrize(
    ("waits", "index"),
    [(queue.needs_a_person, "ix_callbacks_queue"), (decisions.undecided, "ix_callbacks_to_decide")],
)
def test_counting_reads_the_index_of_just_what_is_counted(
    account: GatewayAccount, waits: Callable[[int, datetime], ColumnElement[bool]], index: str
) -> None:
    long_history(account)
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    counting = select(Callback.id).where(waits(account.shop_id, utcnow()))
    statement = counting.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = "\n".join(db.session.scalars(text(f"EXPLAIN {statement}".replace(":", "\\:"))))
    assert index in plan
