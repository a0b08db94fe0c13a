"""Hours that are over are counted once and kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals, results
from shopcallbacks.dashboard.arrivals import Arrivals
from shopcallbacks.dashboard.results import Period
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_account
from .test_results import HOUR, came, counts, keep


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account(slug="stripe")


@pytest.fixture
def shop(account: GatewayAccount) -> Shop:
    return account.shop


def test_hours_are_kept_once_and_the_running_one_never(account: GatewayAccount) -> None:
    keep()
    first = db.session.scalar(select(func.count()).select_from(Arrivals))
    keep()
    assert db.session.scalar(select(func.count()).select_from(Arrivals)) == first
    last = db.session.scalar(select(func.max(Arrivals.hour)))
    assert last is not None
    assert last + HOUR <= utcnow() - arrivals.COMMITTED_AFTER


def test_after_a_pause_the_missing_hours_are_kept(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    arrivals.keep(now - 9 * HOUR)
    db.session.commit()
    came(account, now - 4 * HOUR)
    keep()
    hour = arrivals.hour_of(now - 4 * HOUR, "UTC")
    assert db.session.get_one(Arrivals, (account.id, hour)).came == 1
    assert counts(results.count(shop, Period.hours, now)) == (1, 0, 0)


def test_what_came_is_counted_once_where_the_shops_clock_is_another_by_half_an_hour(
    account: GatewayAccount, shop: Shop
) -> None:
    noon = datetime(2026, 3, 5, 12, tzinfo=UTC)
    for minutes in (-10, 10, 50):
        came(account, noon + timedelta(minutes=minutes))
    arrivals.keep(noon + timedelta(minutes=10))
    shop.time_zone = "Asia/Kolkata"
    for minutes in (125, 130, 190, 260):
        arrivals.keep(noon + timedelta(minutes=minutes))
    db.session.commit()
    counted = db.session.execute(select(Arrivals.hour, Arrivals.came).where(Arrivals.came > 0).order_by(Arrivals.hour))
    assert [(f"{hour:%H:%M}", count) for hour, count in counted] == [("11:00", 1), ("11:30", 1), ("12:30", 1)]
