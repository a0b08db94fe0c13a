"""The panel's filter, its pages and its counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.counts import tab_counts
from shopcallbacks.panel.filter import PROBLEMS, Filter, Sort, Tab
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.words.formats import LOCALES, Format

from ..factories import long_history, make_account, make_callback, make_order, message, process


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account(slug="stripe")


def shown(account: GatewayAccount, query: str) -> list[int]:
    return [callback.id for callback in db.session.scalars(Filter.from_query(query).select(account.shop))]


def test_an_address_is_read_and_written_back() -> None:
    query = "account=stripe&account=paypal&tab=all&reason=unclear&from=2026-11-01&to=2026-11-23"
    query += "&order=7&q=a+b&sort=-amount&per=50"
    filter_ = Filter.from_query(query)
    assert filter_ == Filter(
        Tab.all,
        ("stripe", "paypal"),
        Reason.unclear,
        None,
        date(2026, 11, 1),
        date(2026, 11, 23),
        "7",
        "a b",
        Sort.largest,
        50,
    )
    assert Filter.from_query(filter_.query) == filter_
    assert Filter().query == ""


@pytest.mark.parametrize(
    "query",
    ["tab=x", "reason=x", "from=yesterday", "to=0001-01-01", "sort=up", "per=7", "q=%00", "order=" + "9" * 300],
)
def test_a_bad_value_is_left_out_with_a_sentence(query: str) -> None:
    filter_ = Filter.from_query(query)
    assert filter_ == Filter()
    assert len(filter_.problems) == 1
    assert filter_.problems[0].endswith("It was left out.")


@given(st.text())
def test_any_address_is_a_filter(query: str) -> None:
    filter_ = Filter.from_query(query)
    assert Filter.from_query(filter_.query) == filter_


def test_a_reason_alone_is_left_with_the_reason_and_for_what_is_closer() -> None:
    alone = Filter(reason=Reason.not_genuine, alone=Reason.not_genuine)
    assert Filter.from_query(alone.query) == alone
    assert Filter.from_query("reason=not_genuine&alone=1") == alone, "as addresses said before"
    assert Filter.from_query("reason=unclear&alone=not_genuine") == Filter(reason=Reason.unclear)
    assert Filter.from_query("alone=1") == Filter.from_query("alone=not_genuine") == Filter()
    closer = Filter.from_query("reason=not_genuine&conflict=secret_retired&alone=not_genuine")
    assert closer == Filter(reason=Reason.not_genuine, conflict=Conflict.secret_retired)


def test_an_account_of_another_shop_is_left_out_with_a_sentence(account: GatewayAccount) -> None:
    filter_ = Filter(accounts=("stripe", "elsewhere")).at(account.shop)
    assert filter_.accounts == ("stripe",)
    assert "elsewhere" in filter_.problems[0]


def test_each_callback_stands_behind_its_tab(account: GatewayAccount) -> None:
    done, wrong, gone = (make_order(account.shop) for _ in range(3))
    callbacks = [
        make_callback(account, message(done)),
        make_callback(account, message(wrong, money=Money(1, "EUR"))),
        make_callback(account, message("not-there-yet")),
        make_callback(account, message(gone, money=Money(1, "EUR"))),
        make_callback(account, message(done)),
    ]
    process()
    callbacks[3].do(Verb.remove, None, "a test")
    db.session.commit()
    ids = [callback.id for callback in callbacks]
    assert shown(account, "tab=processed") == ids[:1]
    assert shown(account, "tab=unprocessed") == [ids[1], ids[4]]
    assert shown(account, "tab=decide") == [ids[1], ids[4]]  # another sum; paid once more, by another payment
    assert shown(account, "tab=decide&conflict=paid_already") == ids[4:]
    assert shown(account, "tab=waiting") == ids[2:3]
    assert shown(account, "tab=invalid") == ids[3:4]
    assert sorted(shown(account, "tab=all")) == ids
    assert tab_counts(account.shop) == {
        Tab.unprocessed: 2,
        Tab.decide: 2,
        Tab.waiting: 1,
        Tab.processed: 1,
        Tab.invalid: 1,
        Tab.imported: 0,
        Tab.all: 5,
    }
    assert shown(account, "tab=all&reason=amount_mismatch") == [ids[3], ids[1]]
    assert shown(account, "tab=processed&reason=amount_mismatch") == []


def test_accounts_orders_and_days_narrow_it(account: GatewayAccount) -> None:
    account.shop.time_zone = "Asia/Tokyo"
    other = make_account(account.shop, slug="second")
    first = make_callback(account, message("A"), datetime(2026, 11, 20, 14, 59, tzinfo=UTC))  # the 20th in Tokyo
    second = make_callback(other, message("B"), datetime(2026, 11, 20, 15, 0, tzinfo=UTC))  # the 21st
    process()
    assert shown(account, "tab=all&account=second") == [second.id]
    assert shown(account, "tab=all&order=A") == [first.id]
    assert shown(account, "tab=all&to=2026-11-20") == [first.id]
    assert shown(account, "tab=all&from=2026-11-21&to=2026-11-21") == [second.id]


@pytest.mark.parametrize(
    "q",
    ["251123-26", "pi_abc", "evt_abc", "59.90", "59,90", "59.90 eur", "BUYER@shop.example", "Grüße"],
)
def test_free_text_finds_numbers_ids_amounts_and_any_text(account: GatewayAccount, q: str) -> None:
    order = make_order(account.shop, "251123-26", customer_email="buyer@shop.example")
    said = message(order, transaction_id="pi_abc", event_id="evt_abc")
    found = make_callback(account, said)
    make_callback(account, message("77", money=Money(1, "EUR")))
    process()
    if q == "Grüße":
        request = found.request
        body = request.body.replace(b'"object"', f'"note": "{q}", "object"'.encode(), 1)
        found = make_callback(account, type(request)(**{**request.__dict__, "body": body}))
    assert shown(account, f"tab=all&q={q}") == [found.id]


def test_signs_alone_find_nothing(account: GatewayAccount) -> None:
    make_callback(account, message("100%"))
    process()
    assert shown(account, "tab=all&q=%25") == []


def test_an_amount_is_looked_for_with_its_currencys_decimals(account: GatewayAccount) -> None:
    yen, cents = (make_callback(account, message("x", money=Money(12300, code))) for code in ("JPY", "EUR"))
    process()
    assert shown(account, "tab=all&q=12,300") == [yen.id]
    assert shown(account, "tab=all&q=123.00") == [cents.id]


def test_a_sum_is_found_as_the_page_writes_it_in_any_language(account: GatewayAccount) -> None:
    for money in (Money(142000, "EUR"), Money(123456789, "EUR")):
        callback = make_callback(account, message("x", money=money))
        process()
        for locale in LOCALES:
            written = Format(locale=locale).money(money)
            for q in (written, written.removesuffix(" EUR")):
                assert shown(account, urlencode({"tab": "all", "q": q})) == [callback.id], (locale, q)
        assert shown(account, urlencode({"tab": "all", "q": Format().money(money).replace(",", "’")})) == [callback.id]


def test_the_queue_is_read_by_its_own_index(account: GatewayAccount) -> None:
    long_history(account)
    for tab in (Tab.unprocessed, Tab.waiting):
        db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
        statement = Filter(tab).select(account.shop).with_only_columns(Callback.id)
        compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
        plan = db.session.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
        assert "ix_callbacks_queue" in "\n".join(line for (line,) in plan)


def test_what_is_said_over_and_over_makes_no_long_address_and_no_long_page(account: GatewayAccount) -> None:
    said = "account=" + "stripe," * 60_000 + "".join(f"&account=no{n}&from=no{n}" for n in range(500))
    filter_ = Filter.from_query(said).at(account.shop)
    assert filter_.query == "account=stripe"
    assert len(filter_.problems) == PROBLEMS
