"""Statements of which nobody reads an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ResourceClosedError

from shopcallbacks.extensions import db
from shopcallbacks.jobs.transactions import refused_by_database
from shopcallbacks.orders.order import Order
from shopcallbacks.sets import sent_ahead, update_rows

from .factories import make_order, make_shop

NOBODY = 2**62
DIES = "SELECT pg_terminate_backend(pg_backend_pid())"


def written(order: Order, *emails: str, shop_id: int | None = None, then: Callable[[], Any] = bool) -> None:
    """Sent ahead: another shop, what the order's address is one after the other, and whatever comes then."""
    with sent_ahead(db.session):
        if shop_id is not None:
            update_rows(db.session, Order, [{"id": order.id, "shop_id": shop_id}])
        for email in emails:
            update_rows(db.session, Order, [{"id": order.id, "customer_email": email}])
        then()


def test_what_is_sent_ahead_is_written_in_its_order(app: Flask) -> None:
    order = make_order(make_shop())
    written(order, "a@shop.example", "b@shop.example")
    db.session.expire_all()
    assert order.customer_email == "b@shop.example"


def test_what_the_database_refuses_is_raised_as_if_it_had_been_waited_for(app: Flask) -> None:
    order = make_order(make_shop())
    for behind in (0, 100):  # of so many it has been heard of before the end
        with pytest.raises(IntegrityError):
            written(order, *(f"{n}@shop.example" for n in range(behind)), shop_id=NOBODY)
        db.session.rollback()
        assert order.customer_email is None


def test_what_breaks_in_between_is_raised_as_it_is_and_nothing_holds(app: Flask) -> None:
    order = make_order(make_shop())
    with pytest.raises(ZeroDivisionError):
        written(order, "a@shop.example", then=lambda: 1 / 0)
    db.session.rollback()
    assert order.customer_email is None


def test_a_connection_that_dies_meanwhile_is_no_verdict_and_the_next_goes_on(app: Flask) -> None:
    order = make_order(make_shop())
    with pytest.raises(DBAPIError) as raised:
        written(order, "a@shop.example", then=lambda: db.session.execute(text(DIES)))
    assert refused_by_database(raised.value)
    db.session.rollback()
    assert order.customer_email is None


def test_nobody_reads_an_answer_of_what_is_sent_ahead(app: Flask) -> None:
    with pytest.raises(ResourceClosedError), sent_ahead(db.session):
        db.session.execute(text("SELECT 1")).all()
    db.session.rollback()
