"""Pages of the panel, and how many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import glance
from shopcallbacks.domain.states import AttemptKind, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.counts import count_up_to, news_since, tab_counts
from shopcallbacks.panel.filter import Filter, Sort, Tab
from shopcallbacks.panel.page import Cursor, page_of
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from ..factories import make_account, make_callback, make_order, message, process


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account(slug="stripe")


def leafed_through(filter_: Filter, shop: Shop) -> list[int]:
    """What its pages show one after the other; going back shows the same."""
    pages, cursor = list[list[int]](), None
    while True:
        page = page_of(filter_, shop, cursor)
        pages.append([callback.id for callback in page.callbacks])
        if page.after is None:
            break
        cursor = Cursor.read(page.after, onward=True)
    for before in reversed(pages[:-1]):
        assert page.before is not None
        page = page_of(filter_, shop, Cursor.read(page.before, onward=False))
        assert [callback.id for callback in page.callbacks] == before
    assert page.before is None
    return [id_ for page_ in pages for id_ in page_]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("tab", ["all", "waiting"])
def test_pages_go_on_and_back_without_a_gap_even_between_equals(account: GatewayAccount, sort: Sort, tab: str) -> None:
    at = utcnow() - timedelta(seconds=1)
    for minor in (500, 500, 500, 0, 700, 700, 900):
        make_callback(account, message("x", money=Money(minor, "EUR")), at)
    for currency in ("USD", "JPY", "JPY"):
        make_callback(account, message("x", money=Money(600, currency)), at)
    process()
    for _ in range(3):  # not looked at, so without an amount
        make_callback(account, message(), at)
    filter_ = Filter.from_query(f"tab={tab}&sort={sort}")
    wanted = [callback.id for callback in db.session.scalars(filter_.select(account.shop))]
    assert len(wanted) == 13
    assert leafed_through(filter_.but(per=3), account.shop) == wanted


def test_amounts_of_one_currency_stand_together_and_those_without_come_last(account: GatewayAccount) -> None:
    for money in (Money(5990, "EUR"), Money(6000, "JPY"), Money(990, "EUR"), Money(5000, "JPY")):
        make_callback(account, message("x", money=money))
    process()
    without = make_callback(account, message())
    shown = {
        sort: [one.money or one.id for one in page_of(Filter(Tab.all, sort=sort), account.shop).callbacks]
        for sort in (Sort.smallest, Sort.largest)
    }
    rising = [Money(990, "EUR"), Money(5990, "EUR"), Money(5000, "JPY"), Money(6000, "JPY")]
    assert shown == {Sort.smallest: [*rising, without.id], Sort.largest: [*rising[::-1], without.id]}


BROKEN = ["", "x", "x~1", "2026-11-23~1", "9" * 40 + "~1", "~1", "1~" + "9" * 30]
BROKEN_AMOUNTS = ["EUR~1", "EUR x~1", "EUR 1~x", f"EUR {'9' * 40}~1", "EUR 1 1~1", "eur 1~1", "EUR \u0661~1"]


@pytest.mark.parametrize("text", BROKEN + BROKEN_AMOUNTS)
def test_a_cursor_nobody_wrote_is_the_first_page(account: GatewayAccount, text: str) -> None:
    callback = make_callback(account, message())
    for query in ("tab=all", "tab=all&sort=amount"):
        page = page_of(Filter.from_query(query), account.shop, Cursor.read(text, onward=True))
        assert [one.id for one in page.callbacks] in ([callback.id], [])


def test_counting_stops_at_its_limit(account: GatewayAccount) -> None:
    for _ in range(4):
        make_callback(account, message())
    assert count_up_to(Filter(Tab.all), account.shop, limit=2) == 3


def test_each_tab_has_its_count_and_all_is_what_stands_behind_the_others(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    for minor in (order.amount_minor, 1, 2):
        make_callback(account, message(order, money=Money(minor, "EUR")))
    removed = make_callback(account, message(order, money=Money(3, "EUR")))
    process()
    removed.do(Verb.remove, None, "a test")
    make_callback(account, message("early"))
    counts = tab_counts(account.shop)
    assert counts == {tab: count_up_to(Filter(tab), account.shop) for tab in Tab}
    assert counts[Tab.all] == 5
    assert [counts[tab] for tab in (Tab.waiting, Tab.processed, Tab.invalid)] == [1, 1, 1]
    assert tab_counts(account.shop, glance=glance.look(account.shop_id, utcnow())) == counts


def test_news_are_callbacks_that_came_or_were_given_up_since(account: GatewayAccount) -> None:
    callback = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    then = utcnow()
    assert news_since(Filter(), account.shop, then) == 0
    make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    callback.do(Verb.retry, None)
    process()
    assert news_since(Filter(), account.shop, then) == 1


def test_what_was_restored_is_new_and_what_is_shown_is_not(account: GatewayAccount) -> None:
    shown, removed = (make_callback(account, message(make_order(account.shop), money=Money(1, "EUR"))) for _ in "ab")
    process()
    removed.do(Verb.remove, None, "a test")
    then = utcnow()
    shown.due_at, shown.due_kind = then, AttemptKind.automatic
    process()
    assert news_since(Filter(), account.shop, then, [shown.id]) == 0
    removed.do(Verb.restore, None)
    db.session.commit()
    assert news_since(Filter(), account.shop, then, [shown.id]) == 1
