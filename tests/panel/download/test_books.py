"""The shop's books as CSV."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process
from ...processing.saying import say


@pytest.fixture
def account(client: FlaskClient, saying: None) -> GatewayAccount:
    """Of a shop on the other side of the date line; a viewer of it is logged in."""
    account = GatewayAccount.add(make_shop("toys"), "saying", "main", {})
    account.shop.time_zone = "Pacific/Kiritimati"
    db.session.commit()
    log_in(client, make_user(Role.viewer, account.shop))
    return account


def book(client: FlaskClient, name: str, **days: str) -> list[dict[str, str]]:
    with client.get("/download", query_string={"what": name, **days}) as answer:
        assert answer.status_code == 200
        return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def test_every_booking_is_a_record_in_words_and_at_the_shops_own_time(
    client: FlaskClient, account: GatewayAccount
) -> None:
    order = make_order(account.shop)
    id_ = say(account, message(order, transaction_id="12345678901234567890"))
    process()
    (row,) = db.session.scalars(select(LedgerRow))
    (record,) = book(client, "bookings")
    assert (record["booking"], record["booking code"]) == ("Payment", "payment")
    assert (record["order number"], record["gateway account"]) == (order.number, "main")
    assert (record["currency"], record["came in"], record["taken"]) == ("EUR", "59.90", "59.90")
    assert (record["transaction id"], record["callback id"]) == ("12345678901234567890", str(id_))
    assert record["booked at"].endswith("+14:00")
    assert record["booked at"][:10] == record["booking day"]
    assert record["booking day"] == f"{row.booked_at.astimezone(ZoneInfo(account.shop.time_zone)):%Y-%m-%d}"


def test_days_are_those_of_the_shops_clock(client: FlaskClient, account: GatewayAccount) -> None:
    say(account, message(make_order(account.shop)))
    process()
    (record,) = book(client, "bookings")
    day = record["booking day"]
    assert len(book(client, "bookings", **{"from": day, "to": day})) == 1
    assert book(client, "bookings", to="2020-01-01") == []
    assert len(book(client, "orders", **{"from": "2020-01-01", "to": day})) == 1
    assert client.get("/download?what=orders&from=yesterday").status_code == 422


def test_what_was_given_back_is_a_record_of_its_own(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    say(account, message(order, transaction_id="pi_1"))
    process()
    refund = message(order, Outcome.refunded, transaction_id="pi_1", movement="re_1", money=Money(990, "EUR"))
    say(account, refund)
    process()
    assert [(one["booking"], one["given back"]) for one in book(client, "bookings")] == [
        ("Payment", "0.00"),
        ("Refund", "9.90"),
    ]
    (record,) = book(client, "orders")
    assert (record["state"], record["taken"], record["given back"]) == ("open", "59.90", "9.90")


def test_what_is_owed_back_is_listed_by_order_and_currency(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    ids = [say(account, message(order, transaction_id=f"pi_{number}")) for number in range(2)]
    process()
    db.session.get_one(Callback, ids[1]).do(Verb.owe, None, "twice")
    process()
    (record,) = book(client, "owed")
    assert (record["order number"], record["currency"], record["owed back"]) == (order.number, "EUR", "59.90")


def test_callbacks_and_acts_of_some_days_come_by_the_same_menu(client: FlaskClient, account: GatewayAccount) -> None:
    id_ = say(account, message(make_order(account.shop)))
    process()
    assert [one["id"] for one in book(client, "callbacks")] == [str(id_)]
    assert book(client, "callbacks", to="2020-01-01") == []
    assert [(one["did"], one["about"]) for one in book(client, "activity")][:3] == [
        ("downloaded a table", "activity"),
        ("downloaded a table", "callbacks to 2020-01-01"),
        ("downloaded a table", "callbacks"),
    ]


def test_another_shops_books_are_not_in_it_and_taking_them_is_an_act(
    client: FlaskClient, account: GatewayAccount
) -> None:
    elsewhere = make_account()
    make_callback(elsewhere, message(make_order(elsewhere.shop)))
    process()
    names = ("bookings", "orders", "owed", "callbacks")
    assert [book(client, name) for name in names] == [[], [], [], []]
    taken = db.session.scalars(select(Activity.what).where(Activity.verb == "export").order_by(Activity.id))
    assert tuple(taken) == names
    assert client.get(f"/download?what=orders&shop={elsewhere.shop.slug}").status_code == 404
