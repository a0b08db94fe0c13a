"""Two payments told crosswise for two orders each, to two workers: their names meet in one order, never in a ring.

A ring needs each batch to have booked one name while it wants the other's. Somebody else who is about to book a third
name holds the first batch there, in the middle of its one INSERT.
"""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import select, text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_order, make_shop
from ..processing.saying import say
from .scene import TOTAL, drained, paid, sound
from .stepping import LONG_S, Writer, finish_or_wait

ABOUT_TO_BOOK = (
    "INSERT INTO ledger (shop_id, order_id, account_id, entry, minor, currency, movement, booked_at) "
    "SELECT shop_id, id, :account, 'payment', 1000, 'EUR', 'third', now() FROM orders WHERE number = 'of another'"
)


def test_two_workers_book_two_movements_crosswise_without_a_ring(app: Flask, refused: list[str]) -> None:
    shop = make_shop()
    account = GatewayAccount.add(shop, "saying", "saying", {})
    for number in ("1", "2", "3", "4", "5", "of another"):
        make_order(shop, number, TOTAL.minor)
    db.session.commit()
    for number, transaction in (("1", "one"), ("2", "third"), ("3", "two")):
        say(account, paid(number, transaction))
    account_id, shop_id = account.id, shop.id
    db.session.rollback()
    first, second = (Writer(app, name, lambda: drain(False)) for name in ("first", "second"))
    with (
        db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as look,
        db.engine.connect() as another,
    ):
        another.execute(text(ABOUT_TO_BOOK), {"account": account_id})
        finish_or_wait(first, look)
        for number, transaction in (("4", "two"), ("5", "one")):
            say(db.session.get_one(GatewayAccount, account_id), paid(number, transaction))
        db.session.rollback()
        finish_or_wait(second, look)
        assert first.is_alive()
        assert second.is_alive()
        another.rollback()
    for writer in (first, second):
        writer.join(LONG_S)
        assert (writer.is_alive(), writer.error) == (False, None)
    assert "40P01" not in refused
    drained()
    sound(shop_id)
    states = Counter(db.session.scalars(select(Order.state).where(Order.shop_id == shop_id)))
    assert states == {OrderState.open: 3, OrderState.temporary: 3}
    late = db.session.scalars(select(Callback).where(Callback.state == State.unprocessed)).all()
    assert [one.reason for one in late] == [Reason.order_conflict] * 2
