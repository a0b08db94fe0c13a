"""The orders' list and page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from shopcallbacks.callbacks import related
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import OrderState, Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders import lists
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role
from shopcallbacks.views.orders import LISTS

from ..factories import log_in, made_at, make_account, make_callback, make_order, make_shop, make_user, message, process
from ..processing.saying import say


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    shop = make_shop()
    log_in(client, make_user(Role.viewer, shop))
    return shop


def test_the_newest_come_first_and_only_of_the_own_shop(client: FlaskClient, shop: Shop) -> None:
    old, new, other = make_order(shop), make_order(shop), make_order(make_shop())
    html = client.get("/orders").text
    assert html.index(new.number) < html.index(old.number)
    assert other.number not in html


def test_the_list_goes_on_from_page_to_page_without_a_gap(shop: Shop) -> None:
    orders = [make_order(shop) for _ in range(5)]
    made_at(orders[1], orders[2].created_at)  # the same moment
    seen, after = [], None
    for _ in range(3):
        page = lists.newest(shop.id, None, after, per=2)
        seen += [order.id for order in page.orders]
        after = page.after
    assert after is None
    assert sorted(seen) == [order.id for order in orders]


@pytest.mark.parametrize("after", ["x", "2026-11-23T00:00:00~1", "2026-11-23T00:00:00+00:00~" + "9" * 30])
@pytest.mark.parametrize("only", ["", *(f"{name}=1&" for name in LISTS)])
def test_a_place_that_no_page_has_written_is_the_start(client: FlaskClient, shop: Shop, only: str, after: str) -> None:
    make_order(shop)
    assert client.get(f"/orders?{only}after={after.replace('+', '%2B')}").status_code == 200


def test_a_state_and_the_start_of_a_number_narrow_it(client: FlaskClient, shop: Shop) -> None:
    for number in ("A-1", "A-2", "B-1"):
        make_order(shop, number)
    cancelled = make_order(shop, "A-3")
    cancelled.state = OrderState.cancelled
    db.session.commit()
    assert [o.number for o in lists.numbered(shop.id, "A-", None, None).orders] == ["A-1", "A-2", "A-3"]
    html = client.get("/orders?number=A-&state=cancelled").text
    assert ("A-3" in html, "A-1" in html, "B-1" in html) == (True, False, False)


@pytest.mark.parametrize(
    "query", ["state=nonsense", "after=nonsense", "after=2025~x", "number=%25", "after=2025-01-01~1"]
)
def test_a_bad_address_is_no_error(client: FlaskClient, shop: Shop, query: str) -> None:
    assert client.get(f"/orders?{query}").status_code == 200


def test_nothing_found_says_what_was_looked_for(client: FlaskClient, shop: Shop) -> None:
    html = client.get("/orders?number=zzz&state=open").text
    assert "No open order whose number starts with “zzz”." in html


def test_a_page_tells_of_payments_story_and_callbacks(client: FlaskClient, shop: Shop) -> None:
    order = make_order(shop)
    callback = make_callback(make_account(shop), message(order, transaction_id="pi_77"))
    late = make_callback(make_account(shop), message(order, Outcome.pending))
    process()
    html = client.get(f"/orders/{order.id}").text
    for piece in ("<dt>Kept</dt>", "pi_77", "Order came in", "<strong>open</strong>", "Processed: order opened"):
        assert piece in html
    assert [found.id for found in related.callbacks_about(order)] == [late.id, callback.id]


def test_an_order_of_another_shop_is_not_there(client: FlaskClient, shop: Shop) -> None:
    assert client.get(f"/orders/{make_order(make_shop()).id}").status_code == 404


def test_only_a_link_to_what_exists(client: FlaskClient, shop: Shop) -> None:
    order = make_order(shop)
    made_at(order, order.created_at - timedelta(days=400))
    assert client.get("/orders/999999").status_code == 404
    assert client.get(f"/orders/{order.id}").status_code == 200


# What may need a person


@pytest.fixture
def account(saying: None, shop: Shop) -> GatewayAccount:
    account = GatewayAccount.add(shop, "saying", "saying", {})
    db.session.commit()
    return account


def hear(account: GatewayAccount, order: Order | str, outcome: Outcome, **more: Any) -> Callback:
    id_ = say(account, message(order, outcome, **more))
    process()
    return db.session.get_one(Callback, id_)


def listed(client: FlaskClient, orders: list[Order], query: str) -> list[Order]:
    """Those of them that the list shows."""
    html = client.get(f"/orders?{query}").text
    return [order for order in orders if f'href="/orders/{order.id}"' in html]


def test_each_list_shows_what_it_is_about_and_nothing_else(
    client: FlaskClient, shop: Shop, account: GatewayAccount
) -> None:
    shop.parts = True
    decide, owed, disputed, part, waiting, untold, unheard, fine = orders = [make_order(shop) for _ in range(8)]
    hear(account, decide, Outcome.paid, money=Money(6000, "EUR"))
    hear(account, owed, Outcome.paid)
    hear(account, owed, Outcome.paid).do(Verb.owe, None, "paid twice")
    hear(account, disputed, Outcome.paid, transaction_id="pi_d")
    hear(account, disputed, Outcome.disputed, transaction_id="pi_d")
    hear(account, part, Outcome.paid, money=Money(100, "EUR"))
    hear(account, waiting, Outcome.pending)
    hear(account, untold, Outcome.refunded)
    hear(account, fine, Outcome.paid)
    process()
    waiting.changed_at -= timedelta(days=8)
    made_at(unheard, unheard.created_at - timedelta(hours=1))
    db.session.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
    db.session.execute(update(LedgerRow).values(booked_at=LedgerRow.booked_at - timedelta(days=1)))
    db.session.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))
    db.session.commit()
    found = {name: listed(client, orders, f"{name}={7 if name == 'waiting' else 1}") for name in LISTS}
    assert found == {
        "decide": [decide],
        "owed": [owed],
        "disputed": [disputed],
        "part_paid": [part],
        "waiting": [waiting],
        "untold": [untold],
        "unheard": [unheard],
    }


@pytest.mark.parametrize(("days", "there"), [("7", True), ("8", True), ("9", False), ("0", True), ("x", True)])
def test_for_how_long_an_order_waits_stands_in_the_address(
    client: FlaskClient, account: GatewayAccount, days: str, there: bool
) -> None:
    order = make_order(account.shop)
    hear(account, order, Outcome.pending)
    order.changed_at -= timedelta(days=8, minutes=1)
    db.session.commit()
    assert listed(client, [order], f"waiting={days}") == ([order] if there else [])


def test_what_is_owed_in_another_currency_only_is_listed_and_counted(shop: Shop, account: GatewayAccount) -> None:
    order = make_order(shop)
    hear(account, order, Outcome.paid, money=Money(7000, "USD")).do(Verb.owe, None, "wrong currency")
    process()
    assert lists.in_debt(shop.id, None).orders == [order]
    assert lists.owed_sums(shop.id) == ((Money(7000, "USD"),), 1)


def test_disputes_come_by_the_date_to_answer_from_page_to_page_without_a_gap(
    shop: Shop, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    day = date(2026, 12, 1)
    until = [None, day, None, utcnow(), day, None]
    for number, answer_by in enumerate(until):
        order = make_order(shop, str(number))
        hear(account, order, Outcome.paid, transaction_id=f"pi_{number}")
        hear(account, order, Outcome.disputed, transaction_id=f"pi_{number}", answer_by=answer_by)
    seen, after = [], None
    for _ in range(3):
        page = lists.disputed(shop.id, after)
        seen += [one.order.number for one in page.disputes]
        after = page.after
    assert (seen, after) == (["3", "1", "4", "0", "2", "5"], None)


@pytest.mark.parametrize(
    ("index", "page"),
    [
        ("ix_orders_owed", lists.in_debt),
        ("ix_orders_part_paid", lists.part_paid),
        ("ix_orders_awaiting", lambda shop_id, after: lists.awaiting(shop_id, utcnow(), after)),
        ("ix_payments_disputed", lists.disputed),
        ("ix_ledger_unmatched", lambda shop_id, after: lists.untold(shop_id, utcnow(), after)),
    ],
)
def test_a_page_reads_its_own_index(
    shop: Shop, index: str, page: Callable[[int, str | None], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(db.session, "scalars", lambda query: asked.append(query) or [])
    monkeypatch.setattr(db.session, "execute", lambda query: asked.append(query) or [])
    page(shop.id, None)
    monkeypatch.undo()
    assert index in plan(asked[0])


def plan(query: Any) -> str:
    """How the database would go about it, had it no time to read whole tables."""
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    db.session.execute(text("SET LOCAL enable_bitmapscan = off"))
    sql = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    return "\n".join(db.session.scalars(text(f"EXPLAIN {sql}".replace(":", "\\:"))))
