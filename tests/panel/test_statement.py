"""A shop's statement of a day or a month."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import Entry, Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from shopcallbacks.panel.statement import MOVES, Figure, Line, Period, Statement
from shopcallbacks.sets import insert_rows
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process
from ..processing.saying import say

ZONE = "America/New_York"  # its days are not UTC's, and one of November has 25 hours
NOVEMBER = Period.month(date(2026, 11, 1))


@pytest.fixture
def account(client: FlaskClient, saying: None) -> GatewayAccount:
    """A viewer of its shop is logged in."""
    account = GatewayAccount.add(make_shop("toys"), "saying", "main", {})
    account.shop.time_zone = ZONE
    db.session.commit()
    log_in(client, make_user(Role.viewer, account.shop))
    return account


def hear(account: GatewayAccount, order: Order, outcome: Outcome = Outcome.paid, **more: Any) -> Callback:
    id_ = say(account, message(order, outcome, **{"transaction_id": "pi_1", **more}))
    process()
    return db.session.get_one(Callback, id_)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def a_life(account: GatewayAccount) -> Order:
    """Paid 59.90; 9.90 refunded, which failed; 20.00 charged back and won; 5.00 of what is owed given back by hand."""
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, Outcome.refunded, money=euros(990), movement="re_1")
    hear(account, order, Outcome.refund_failed, money=euros(990), movement="re_1")
    hear(account, order, Outcome.charged_back, money=euros(2000), movement="dp_1")
    hear(account, order, Outcome.chargeback_reversed, money=euros(2000), movement="dp_1")
    return order


def this_month(account: GatewayAccount) -> Statement:
    booked = db.session.scalar(select(func.max(func.timezone(ZONE, LedgerRow.booked_at))))
    assert booked is not None
    return Statement(account.shop, Period.month(booked.date()))


def figures(line: Line) -> dict[str, int]:
    return {figure: minor for figure, minor in line.figures.items() if minor}


def test_each_movement_of_money_stands_under_one_figure(account: GatewayAccount) -> None:
    a_life(account)
    (line,) = this_month(account).lines
    assert figures(line) == {
        "came_in": 5990,
        "given_back": 990,
        "failed": 990,
        "charged_back": 2000,
        "won": 2000,
        "owed": sum(row.owed for row in db.session.scalars(select(LedgerRow))),
    }
    assert line.balance == euros(5990)


def test_what_a_person_says_was_given_back_counts_once_when_the_gateway_tells_it_too(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    hear(account, order)
    late = hear(account, order, transaction_id="pi_2")
    late.do(Verb.owe, None, "paid twice")
    process()
    assert figures(this_month(account).lines[0]) == {"came_in": 11980, "owed": 5990}
    moves.settle(order.id, None, "by transfer")
    db.session.commit()
    given_back = {"came_in": 11980, "given_back": 5990}
    assert figures(this_month(account).lines[0]) == given_back
    hear(account, order, Outcome.refunded, transaction_id="pi_2", movement="re_2")
    assert figures(this_month(account).lines[0]) == given_back


def test_a_payment_taken_out_of_the_books_leaves_nothing(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    hear(account, order)
    late = hear(account, order, transaction_id="pi_2")
    late.do(Verb.owe, None, "paid twice")
    process()
    late.do(Verb.unowe, None, "no")
    process()
    (line,) = this_month(account).lines
    assert figures(line) == {"came_in": 11980, "taken_out": 5990}
    assert line.balance == euros(5990)


def test_currencies_are_never_added_up_and_test_payments_never_counted(account: GatewayAccount) -> None:
    for currency in ("EUR", "JPY"):
        hear(account, make_order(account.shop, currency=currency), transaction_id=f"pi_{currency}")
    test = make_order(account.shop, test=True)
    hear(account, test, transaction_id="pi_test", test=True)
    make_callback(elsewhere := make_account(), message(make_order(elsewhere.shop)))
    process()
    lines = this_month(account).lines
    assert [(line.currency, figures(line)) for line in lines] == [
        ("EUR", {"came_in": 5990}),
        ("JPY", {"came_in": 5990}),
    ]
    only = Statement(account.shop, this_month(account).period, currency="JPY")
    assert [line.currency for line in only.lines] == ["JPY"]


# Figures against the ledger, and days against their month


def rows() -> st.SearchStrategy[list[tuple[datetime, Entry, int, str]]]:
    hours = st.integers(-24, 24 * 32).map(lambda hour: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hour))
    entries = st.sampled_from([*Entry])
    return st.lists(st.tuples(hours, entries, st.integers(1, 9_000), st.sampled_from(("EUR", "JPY"))), max_size=40)


def book(account: GatewayAccount, order: Order, booked: list[tuple[datetime, Entry, int, str]]) -> None:
    """Rows as the rules book them, whatever the order: a payment that is owed, money that leaves what is owed, ..."""
    came_in = {Entry.payment: 1, Entry.withdrawal: -1}
    owed = {
        Entry.payment: 1,
        Entry.withdrawal: -1,
        Entry.refund: -1,
        Entry.chargeback: -1,
        Entry.settlement: -1,
        Entry.refund_failure: 1,
        Entry.chargeback_reversal: 1,
    }
    made = [
        {
            "shop_id": account.shop_id,
            "order_id": order.id,
            "account_id": account.id,
            "entry": entry,
            "transaction_id": "pi",
            "minor": minor,
            "currency": currency,
            "of_entry": Entry.refund if entry in (Entry.refund_failure, Entry.chargeback_reversal) else None,
            "came_in": came_in.get(entry, 0) * minor,
            "owed": owed.get(entry, 0) * minor,
            "settled": minor if entry is Entry.settlement else 0,
            "booked_at": at,
        }
        for at, entry, minor, currency in booked
    ]
    insert_rows(db.session, LedgerRow, made)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows())
def test_the_days_of_a_month_add_up_to_it_and_match_the_ledger(
    account: GatewayAccount, booked: list[tuple[datetime, Entry, int, str]]
) -> None:
    order = make_order(account.shop)
    book(account, order, booked)
    month = {line.currency: line for line in Statement(account.shop, NOVEMBER).lines}
    added: Counter[tuple[str, str]] = Counter()
    owed: dict[str, int] = {}
    day = Period.day(NOVEMBER.since)
    while day.since <= NOVEMBER.until:
        lines = Statement(account.shop, day).lines
        added.update({(line.currency, figure): line.figures[figure] for line in lines for figure in MOVES})
        owed = {line.currency: line.figures[Figure.owed] for line in lines}
        day = day.next
    for currency in ("EUR", "JPY"):
        line = month.get(currency, Line(currency, dict.fromkeys(Figure, 0)))
        assert {figure: added[currency, figure] for figure in MOVES} == {
            figure: line.figures[figure] for figure in MOVES
        }
        assert line.figures[Figure.owed] == owed.get(currency, 0)
        before = Statement(account.shop, NOVEMBER.previous).lines
        owed_before = sum(one.figures[Figure.owed] for one in before if one.currency == currency)
        assert line.balance.minor == line.figures[Figure.owed] - owed_before
    db.session.rollback()


def test_a_day_is_one_of_the_shops_clock_and_each_account_can_be_looked_at_alone(account: GatewayAccount) -> None:
    other = GatewayAccount.add(account.shop, "saying", "other", {})
    db.session.commit()
    late = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)  # the evening before, in New York
    book(account, make_order(account.shop), [(late, Entry.payment, 100, "EUR")])
    book(other, make_order(account.shop), [(late, Entry.payment, 7, "EUR"), (late, Entry.refund, 7, "EUR")])
    assert Statement(account.shop, Period.day(date(2026, 10, 30))).lines == []
    (line,) = Statement(account.shop, Period.day(date(2026, 10, 31))).lines
    assert figures(line) == {"came_in": 107, "given_back": 7, "owed": 100}
    (line,) = Statement(account.shop, Period.day(date(2026, 10, 31)), other).lines
    assert figures(line) == {"came_in": 7, "given_back": 7}
    (line,) = Statement(account.shop, NOVEMBER).lines
    assert figures(line) == {"owed": 100}, "nothing moved, and it is still owed"
    assert Statement(account.shop, NOVEMBER, other).lines == []


def test_what_stays_is_what_the_orders_kept_and_owe(account: GatewayAccount) -> None:
    """By the rules themselves: came in, less what went out, is taken - given back + owed of all orders."""
    order = a_life(account)
    other = make_order(account.shop)
    hear(account, other, transaction_id="pi_3")
    hear(account, other, transaction_id="pi_4").do(Verb.owe, None, "twice")
    process()
    hear(account, other, Outcome.refunded, transaction_id="pi_4", money=euros(1000), movement="re_4")
    hear(account, other, Outcome.charged_back, transaction_id="pi_3", money=euros(500), movement="dp_3")
    db.session.expire_all()
    stays = sum(one.taken_minor - one.given_back_minor + one.owed_minor for one in (order, other))
    (line,) = this_month(account).lines
    assert line.balance == euros(stays)
    assert line.figures[Figure.owed] == order.owed_minor + other.owed_minor


@pytest.mark.parametrize(
    ("period", "previous", "next_"),
    [
        (Period.day(date(2026, 3, 1)), {"day": "2026-02-28"}, {"day": "2026-03-02"}),
        (Period.month(date(2026, 12, 9)), {"month": "2026-11"}, {"month": "2027-01"}),
        (Period.month(date(2024, 3, 31)), {"month": "2024-02"}, {"month": "2024-04"}),
    ],
)
def test_a_period_has_one_before_and_one_behind(
    period: Period, previous: dict[str, str], next_: dict[str, str]
) -> None:
    assert (period.previous.pairs, period.next.pairs) == (previous, next_)
    assert period.next.previous == period


# The screen


def test_each_figure_leads_to_the_callbacks_behind_it(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    callback = hear(account, order)
    month = this_month(account).period.pairs["month"]
    html = client.get(f"/statement?month={month}").text
    assert "59.90 EUR" in html
    link = f"/statement/behind/came_in?month={month}&amp;currency=EUR"
    assert link in html
    behind = client.get(link.replace("&amp;", "&")).text
    assert f'href="/orders/{order.id}"' in behind
    assert f'href="/callbacks/{callback.id}"' in behind
    assert "59.90 EUR" in behind


def test_what_is_owed_leads_to_the_orders_that_owe(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, transaction_id="pi_2").do(Verb.owe, None, "twice")
    process()
    behind = client.get("/statement/behind/owed?currency=EUR").text
    assert f'href="/orders/{order.id}"' in behind
    assert "59.90 EUR" in behind
    assert f'href="/orders/{order.id}"' not in client.get("/statement/behind/owed?currency=EUR&day=2020-01-01").text


def test_a_statement_is_taken_along_by_account_and_currency(client: FlaskClient, account: GatewayAccount) -> None:
    hear(account, make_order(account.shop))
    month = this_month(account).period.pairs["month"]
    lines = csv.DictReader(io.StringIO(client.get(f"/statement/csv?month={month}").data.decode("utf-8-sig")))
    (line,) = lines
    assert (line["gateway account"], line["currency"], line["came in"]) == ("main", "EUR", "59.90")
    assert (line["first day"][:7], line["charged back and won"], line["owed at the end"]) == (month, "0.00", "0.00")
    assert client.get(f"/statement/xlsx?month={month}").data.startswith(b"PK")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("day=2020-02-29&account=main&currency=eur", 200),
        ("day=yesterday", 422),
        ("month=2026-13", 422),
        ("account=nobody", 404),
        ("shop=elsewhere", 404),
    ],
)
def test_a_period_that_is_none_is_said_so_and_what_is_not_there_is_404(
    client: FlaskClient, account: GatewayAccount, query: str, status: int
) -> None:
    make_shop("elsewhere")
    assert client.get(f"/statement?{query}").status_code == status
    assert client.get("/statement/behind/everything?currency=EUR").status_code == 404
    assert client.get("/statement/behind/owed").status_code == 404, "of which currency?"
