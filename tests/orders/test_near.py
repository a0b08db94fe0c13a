"""Orders near the number a gateway gave, from the database."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event, text

from shopcallbacks.domain.near import Said
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.orders.near import COMPARED, SHOWN, near_orders
from shopcallbacks.shops.accounts import Shop

from ..factories import make_order, make_shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    shop = make_shop()
    for number in ("251123074512-26", "ORD-77", "Größe-7", "2025-000123", "unlike"):
        make_order(shop, number, customer_email=f"Buyer-of-{number}@shop.example")
    make_order(make_shop(), "ORD-77")
    return shop


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (" ord-77 ", "ORD-77"),
        ("ORD - 77", "ORD-77"),
        ("ＯＲＤ-７７", "ORD-77"),
        ("GRO\u0308ße-7", "Größe-7"),
        ("251123074512", "251123074512-26"),
        ("251123074512-26_2", "251123074512-26"),
        ("shop:ORD-77", "ORD-77"),
        ("000123", "2025-000123"),
    ],
)
def test_a_number_that_is_written_otherwise_leads_to_its_order(shop: Shop, said: str, number: str) -> None:
    assert [order.number for order, _ in near_orders(shop.id, Said(said))] == [number]


def test_the_same_sum_and_e_mail_lead_to_it_too(shop: Shop) -> None:
    said = Said(None, Money(5990, "EUR"), "buyer-of-unlike@shop.example")
    assert [(order.number, near.why) for order, near in near_orders(shop.id, said)] == [
        ("unlike", "the same sum and e-mail")
    ]
    assert near_orders(shop.id, Said(None, Money(5990, "USD"), "buyer-of-unlike@shop.example")) == []


@pytest.mark.parametrize("said", [None, "", " ", "%", "_", "\\", "\x00", "zzz", "x" * 5000, "%_%", "\U0010ffff" * 3])
def test_what_is_near_to_none_leads_to_none(shop: Shop, said: str | None) -> None:
    assert near_orders(shop.id, Said(said)) == []


def test_of_many_the_nearest_few_are_shown(shop: Shop) -> None:
    for n in range(COMPARED + 5):
        make_order(shop, f"many-{n:03}")
    found = near_orders(shop.id, Said("many-"))
    assert [order.number for order, _ in found] == [f"many-{n:03}" for n in range(SHOWN)]


def test_each_kind_is_found_by_its_index(shop: Shop) -> None:
    db.session.execute(_MANY, {"shop": shop.id})
    db.session.execute(text("ANALYZE orders"))
    statements: list[tuple[str, object]] = []

    def see(conn: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        statements.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", see)
    try:
        near_orders(shop.id, Said("ORD-778", Money(5990, "EUR"), "a@b.example"))
    finally:
        event.remove(db.engine, "before_cursor_execute", see)
    statement, parameters = next(one for one in statements if "UNION ALL" in one[0])
    plan = "\n".join(line for (line,) in db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters))
    assert "Seq Scan" not in plan
    for index in ("ix_orders_loose ", "ix_orders_loose_end", "ix_orders_email"):
        assert index in plan


# So many that the planner's choice does not hang on what was in the table before.
_MANY = text(
    "INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, taken_minor, kept_minor, "
    "customer_email, created_at, changed_at) SELECT :shop, 'of-many-' || n, 'open', n, 'EUR', false, 0, 0, "
    "'buyer-' || n || '@shop.example', now(), now() FROM generate_series(1, 10000) AS n"
)
