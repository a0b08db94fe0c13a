"""Whether a gateway account works, proven by what came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.dashboard import health
from shopcallbacks.domain.errors import Reason
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.owner))
    with client.session_transaction() as session:
        session["shop"] = shop.slug
    return shop


def test_health_is_what_the_gateway_itself_proved(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    assert "none since it was added" in client.get("/settings").text
    tested = make_callback(account, message(make_order(shop)))
    Activity.record(health.TEST, None, shop_id=shop.id, callback_id=tested.id)
    process()
    assert health.last_genuine(account) is None
    genuine = make_callback(account, message(make_order(shop)))
    make_callback(account, message("no such order"))
    process()
    assert health.last_genuine(account) is not None
    assert health.last_genuine(account) >= genuine.received_at
    failures = health.failures(account, utcnow())
    assert (failures.came, failures.by_reason) == (3, ((Reason.order_not_found, 1),))
    assert "1 failure in 24 h" in client.get("/settings").text
    assert health.failures(account, utcnow() + timedelta(days=2)).came == 0


def test_the_three_steps_are_ticked_as_they_come_true(client: FlaskClient, shop: Shop) -> None:
    def steps() -> health.Steps:
        db.session.expire_all()
        return health.steps(shop)

    assert steps() == health.Steps(False, False, False)
    assert "Three steps" in client.get("/settings").text
    account = make_account(shop)
    assert steps() == health.Steps(True, False, False)
    tested = make_callback(account, message(make_order(shop)))
    Activity.record(health.TEST, None, shop_id=shop.id, callback_id=tested.id)
    process()
    assert steps() == health.Steps(True, False, True)
    assert "done: it came through" in client.get("/settings").text
    make_callback(account, message(make_order(shop)))
    process()
    assert steps().done
    assert "Three steps" not in client.get("/settings").text
