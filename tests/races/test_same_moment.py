"""Who commits last sees the other: what comes in the very moment in which it is looked for opens at once.

One of the two is stopped behind each of its locks, the other runs to its end meanwhile. Nothing may be left for the
attempt that is made 10 s later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.jobs.sweeps import upkeep
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.processing import pipeline
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_shop
from ..processing.saying import say
from .scene import TOTAL, paid
from .stepping import LONG_S, Writer


def _hand_in(shop_id: int, number: str) -> None:
    shop = db.session.get_one(Shop, shop_id)
    handed_in = moves.hand_in(NewOrder(number, TOTAL), shop)
    db.session.commit()
    moves.woken_behind(handed_in)
    db.session.commit()


def _met(app: Flask, first: Callable[[], object], second: Callable[[], object], stop: int) -> bool:
    """The first stopped behind its lock of that number while the second runs; whether it had so many."""
    one = Writer(app, "first", first, stop_after=stop)
    one.start()
    assert one.stopped.wait(LONG_S)
    stopped = one.locking == stop and one.is_alive()
    other = Writer(app, "second", second)
    other.start()
    other.join(1.0)
    one.go_on.set()
    for writer in (one, other):
        writer.join(LONG_S)
        assert (writer.is_alive(), writer.error) == (False, None)
    return stopped


class Stops:
    """The first writer is stopped behind its first lock, then behind its second, and so on to its last."""

    def __init__(self, app: Flask, refused: list[str]) -> None:
        self._app, self._refused = app, refused
        self._stop, self._stopped = 0, True

    def __iter__(self) -> Iterator[int]:
        while self._stopped:
            self._stop += 1
            yield self._stop
        assert self._stop > 3
        assert self._refused == []

    def meet(self, first: Callable[[], object], second: Callable[[], object]) -> None:
        self._stopped = _met(self._app, first, second, self._stop)
        _what_is_due_now()


def _what_is_due_now() -> None:
    while db.session.scalar(select(Callback.id).where(Callback.due_at <= utcnow()).limit(1)):
        db.session.rollback()
        drain(False)
    db.session.expire_all()


def _account() -> GatewayAccount:
    account = GatewayAccount.add(make_shop(), "saying", "saying", {})
    db.session.commit()
    return account


@pytest.mark.parametrize("worker_first", [True, False])
def test_an_order_handed_in_in_the_moment_of_its_callback_opens_at_once(
    app: Flask, refused: list[str], worker_first: bool
) -> None:
    account, stops = _account(), Stops(app, refused)
    shop_id = account.shop_id
    for stop in stops:
        number = f"order-{stop}"
        say(account, paid(number, number))
        db.session.commit()
        works = [lambda: drain(False), lambda number=number: _hand_in(shop_id, number)]
        first, second = works if worker_first else reversed(works)
        stops.meet(first, second)
        order = Order.find(shop_id, number)
        assert order is not None
        assert order.state is OrderState.open, stop


def test_an_order_handed_in_while_another_callback_holds_what_waits_on_it_is_found(
    app: Flask, refused: list[str]
) -> None:
    """The one that waits is in a worker's hands by its payment's id, which another callback names too."""
    account, stops = _account(), Stops(app, refused)
    shop_id = account.shop_id
    for stop in stops:
        number = f"order-{stop}"
        waits = say(account, paid(number, number))
        drain(False)
        _hand_in(shop_id, f"another-{stop}")
        say(db.session.get_one(GatewayAccount, account.id), paid(f"another-{stop}", number, 900))  # too little
        db.session.commit()
        stops.meet(lambda: drain(False), lambda number=number: _hand_in(shop_id, number))
        assert db.session.get_one(Callback, waits).reason is not Reason.order_not_found, stop


def test_what_nobody_lived_to_look_behind_is_found_by_the_next_sweeps(
    refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever brought the order was killed behind the commit: three times."""
    account = _account()
    shop = db.session.get_one(Shop, account.shop_id)
    waiting = [say(account, paid(number, number)) for number in ("one", "two", "never", "three")]
    drain(False)
    for number in ("one", "two", "three"):
        with monkeypatch.context() as killed:
            killed.setattr(moves, "wake", lambda *_: False)
            moves.hand_in(NewOrder(number, TOTAL), shop)
            db.session.commit()
    monkeypatch.setattr(pipeline, "LOST_AT_ONCE", 1)
    for _ in range(5):  # once round
        upkeep()
    while drain(False):
        pass
    db.session.expire_all()
    found = [db.session.get_one(Callback, id_) for id_ in waiting]
    assert [one.state for one in found] == [State.processed, State.processed, State.unprocessed, State.processed]
    assert all(one.attempt_count == 2 for one in found if one.state is State.processed)
    assert found[2].attempt_count == 1, "its order is not there, so nothing is tried before its time"


@pytest.mark.parametrize("payment_first", [True, False])
def test_a_refund_that_names_only_its_payment_finds_it_in_whatever_worker_that_is(
    app: Flask, refused: list[str], payment_first: bool
) -> None:
    account, stops = _account(), Stops(app, refused)
    shop_id, account_id = account.shop_id, account.id
    for stop in stops:
        number = f"order-{stop}"
        _hand_in(shop_id, number)
        refund = replace(paid(number, number, 400, Outcome.refunded), order_number=None, movement=f"back-{stop}")
        says = [paid(number, number), refund]
        if not payment_first:
            says.reverse()
        told = [say(account, says[0])]

        def second(said: object = says[1], told: list[int] = told) -> None:
            told.append(say(db.session.get_one(GatewayAccount, account_id), said))  # type: ignore[arg-type]
            db.session.commit()
            drain(False)

        stops.meet(lambda: drain(False), second)
        order = Order.find(shop_id, number)
        assert order is not None
        assert (order.state, order.given_back_minor) == (OrderState.open, 400), stop
        assert [db.session.get_one(Callback, id_).state for id_ in told] == [State.processed] * 2
