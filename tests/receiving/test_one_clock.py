"""What came before what is told by the database's clock: a web server's may be wrong, or jump."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import OrderState
from shopcallbacks.domain.values import Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs.sweeps import tick
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_order, message, process, request_for

HOUR = timedelta(hours=1)


class Wrong(datetime):
    by = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Wrong]:
    """This host's. `by`: how much it is ahead."""
    monkeypatch.setattr(Wrong, "by", timedelta())
    monkeypatch.setattr("shopcallbacks.clock.datetime", Wrong)
    return Wrong


def comes(client: FlaskClient, account: GatewayAccount, request: Request) -> None:
    sent = client.post(account.callback_path, data=request.body, headers=dict(request.headers))
    assert sent.status_code == 200


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_a_failure_told_behind_the_hand_in_cancels_the_order_whatever_the_web_servers_clock_said(
    client: FlaskClient, clock: type[Wrong], by: timedelta
) -> None:
    account = make_account()
    clock.by = -by
    order = make_order(account.shop)
    failed = request_for(account, message(order, Outcome.failed), at=datetime.now(tz=utcnow().tzinfo))
    clock.by = by
    comes(client, account, failed)
    clock.by = timedelta()
    process()
    assert db.session.get_one(Order, order.id).state is OrderState.cancelled


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_a_failure_told_before_the_hand_in_does_not(client: FlaskClient, clock: type[Wrong], by: timedelta) -> None:
    account = make_account()
    failed = request_for(account, message("early", Outcome.failed))
    clock.by = by
    comes(client, account, failed)
    clock.by = -by
    order = make_order(account.shop, "early")
    clock.by = timedelta()
    process()
    assert db.session.get_one(Order, order.id).state is OrderState.temporary


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_the_time_that_a_gateway_signed_is_compared_with_the_databases(
    client: FlaskClient, clock: type[Wrong], by: timedelta
) -> None:
    account = make_account()
    order = make_order(account.shop)
    paid = request_for(account, message(order))
    clock.by = by
    comes(client, account, paid)
    process()
    assert db.session.get_one(Order, order.id).state is OrderState.open
    (came,) = db.session.scalars(select(Callback.received_at))
    assert abs(came - datetime.now(tz=came.tzinfo)) < HOUR / 2


@pytest.mark.usefixtures("app")
def test_an_order_expires_by_the_clock_of_the_database(clock: type[Wrong]) -> None:
    order = make_order(make_account().shop, expires_at=utcnow() + HOUR / 2)
    clock.by = HOUR
    tick()
    assert db.session.get_one(Order, order.id).state is OrderState.temporary
