"""Callbacks about the same order."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks import related
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return shop


def test_a_callback_that_came_before_its_order_is_there_too(shop: Shop) -> None:
    callback = make_callback(make_account(shop), message("251123-77"))
    process()
    order = make_order(shop, "251123-77")
    assert [found.id for found in related.callbacks_about(order)] == [callback.id]
