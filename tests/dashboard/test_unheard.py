"""Orders nobody called about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from shopcallbacks.dashboard import unheard
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import utcnow
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_account, make_callback, make_order, message, process
from .test_results import HOUR


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
        order.created_at = now - timedelta(minutes=minutes)
    make_order(shop, "a-test", test=True).created_at = now - HOUR
    heard = make_order(shop, "heard")
    heard.created_at = now - HOUR
    make_callback(account, message(heard, money=Money(1, "EUR")))
    process()
    found = unheard.look(shop.id, now)
    assert found.count == 6
    assert [order.number for order in found.oldest] == [f"silent-{minutes}" for minutes in (70, 60, 50, 40, 30)]
    assert len(unheard.page(shop.id, now, None).orders) == 6
