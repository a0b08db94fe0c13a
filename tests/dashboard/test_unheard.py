"""Orders nobody called about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import unheard
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import made_at, make_account, make_callback, make_order, message, process
from .test_results import DAY, HOUR


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account(slug="stripe")


@pytest.fixture
def shop(account: GatewayAccount) -> Shop:
    return account.shop


def test_orders_nobody_called_about_are_the_oldest_first(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    for minutes in (5, 20, 30, 40, 50, 60, 70, 60 * 25):
        order = make_order(shop, f"silent-{minutes}")
        made_at(order, now - timedelta(minutes=minutes))
    made_at(make_order(shop, "a-test", test=True), now - HOUR)
    made_at(make_order(shop, "a-gift", minor=0), now - HOUR)
    heard = make_order(shop, "heard")
    made_at(heard, now - HOUR)
    make_callback(account, message(heard, money=Money(1, "EUR")))
    process()
    found = unheard.look(shop.id, now)
    assert (found.count, found.more) == (7, False)
    assert [order.number for order in found.oldest] == [f"silent-{minutes}" for minutes in (60 * 25, 70, 60, 50, 40)]
    assert len(unheard.page(shop.id, now, None).orders) == 7


def test_orders_nobody_called_about_are_looked_for_as_far_back_as_they_go(shop: Shop) -> None:
    now = utcnow()
    for years in (1, 3, 9):
        made_at(make_order(shop, f"{years} years"), now - years * 365 * DAY)
    db.session.commit()
    assert [order.number for order in unheard.look(shop.id, now).oldest] == ["9 years", "3 years", "1 years"]
    some = unheard.look(shop.id, now, most=2)
    assert (some.count, some.more) == (2, True)


def test_orders_nobody_called_about_are_found_by_their_index(shop: Shop) -> None:
    """Among many that were heard of, for what the planner does with a handful depends on its mood."""
    make_order(shop)
    rest = "shop_id, 'open', test, amount_minor, currency, created_at, changed_at, 'x' || n"
    db.session.execute(
        text(
            "INSERT INTO orders (shop_id, state, test, amount_minor, currency, created_at, changed_at, number) "
            f"SELECT {rest} FROM orders, generate_series(1, 3000) AS n"
        )
    )
    db.session.execute(text("ANALYZE orders"))
    statement = unheard._orders(shop.id, utcnow()).compile(db.engine)
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", statement.params)
    assert "using ix_orders_unheard on orders" in "\n".join(line for (line,) in plan)
