"""CSV of what the panel shows."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Busy, Reason
from shopcallbacks.domain.values import Money, Request
from shopcallbacks.extensions import db
from shopcallbacks.panel.download.callbacks import callbacks
from shopcallbacks.panel.download.csv import BOM, write_csv
from shopcallbacks.panel.download.export import MOST_AT_A_TIME, Export, own_connection
from shopcallbacks.panel.filter import Filter, Sort, Tab
from shopcallbacks.shops.accounts import GatewayAccount, Mode
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, long_history, make_account, make_callback, make_order, make_user, message, process


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account(slug="stripe")


def export(account: GatewayAccount, query: str = "tab=all") -> list[dict[str, str]]:
    data = b"".join(write_csv(callbacks(Filter.from_query(query), account.shop))).decode()
    return list(csv.DictReader(io.StringIO(data, newline="")))


def test_a_callback_is_a_record_with_its_order(account: GatewayAccount) -> None:
    order = make_order(account.shop)
    account.shop.time_zone = "Asia/Tokyo"
    callback = make_callback(account, message(order))
    process()
    (record,) = export(account)
    assert record == {
        "id": str(callback.id),
        "received at": f"{callback.received_at.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%dT%H:%M:%S}+09:00",
        "gateway account": "stripe",
        "gateway": "stripe",
        "state": "processed",
        "reason": "",
        "reason code": "",
        "detail": "",
        "outcome": "paid",
        "order number": order.number,
        "transaction id": callback.transaction_id,
        "event id": callback.event_id,
        "amount": "59.90",
        "currency": "EUR",
        "order state": "open",
        "order state code": "open",
        "order amount": "59.90",
        "attempts": "1",
        "last verdict": "genuine",
        "last verdict code": "genuine",
        "settled at": record["settled at"],
        "imported at": "",
        "digest": callback.digest.hex(),
        "test": "no",
    }


def test_a_test_is_marked_by_its_own_word_else_by_its_accounts(account: GatewayAccount) -> None:
    trials = make_account(account.shop, slug="trials", mode=Mode.test)
    make_callback(account, message("1"))
    make_callback(account, message("2", test=True))
    make_callback(trials, Request("POST", "/", b"", (), b"", "::1", utcnow()))
    process()
    assert [record["test"] for record in export(account)] == ["yes", "yes", "no"]


def test_records_end_as_rfc_4180_wants_it_whatever_the_cells_hold(account: GatewayAccount) -> None:
    make_callback(account, message('two\r\nlines, "quoted"\n\u2028end'))
    process()
    data = b"".join(write_csv(callbacks(Filter.from_query("tab=all"), account.shop)))
    assert data.count(b"\r\n") == data.count(b"\n") == 2
    (record,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert record["order number"] == 'two  lines, "quoted"  end'


@pytest.mark.parametrize(
    ("number", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-2", "'-2"),
        ("@x", "'@x"),
        ("\t=1", "'=1"),  # its number without blanks at the ends
        ("＝1", "'＝1"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("a=1", "a=1"),
        ("X;=1+1", "X;'=1+1"),
        ("X;\t=1;@SUM(A1);-2;＋3", "X;' =1;'@SUM(A1);'-2;'＋3"),
        ("=1;=2", "'=1;'=2"),
        ("a;b; c", "a;b; c"),
        ("4111111111111111", "************1111"),
        ("no 4111 1111 1111 1111.", "no **** **** **** 1111."),
        ("=4111111111111111", "'=************1111"),
        ("4111111111111112", "4111111111111112"),
        ("251123163204-26", "251123163204-26"),
        ("Grüße 日本 \N{PARTY POPPER}", "Grüße 日本 \N{PARTY POPPER}"),
        ("100 % \\ '; drop table orders; --", "100 % \\ '; drop table orders;' --"),
    ],
)
def test_cells_do_no_harm(account: GatewayAccount, number: str, cell: str) -> None:
    make_callback(account, message(number))
    process()
    assert export(account)[0]["order number"] == cell


def test_the_shops_own_order_number_stays_as_it_is(account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop, "4111111111111111")))
    process()
    assert export(account)[0]["order number"] == "4111111111111111"


@pytest.mark.parametrize(
    ("money", "amount"), [(Money(12300, "JPY"), "12300"), (Money(5, "EUR"), "0.05"), (Money(1234, "KWD"), "1.234")]
)
def test_amounts_have_their_currencys_decimals(account: GatewayAccount, money: Money, amount: str) -> None:
    make_callback(account, message("x", money=money))
    process()
    assert export(account)[0]["amount"] == amount


@pytest.mark.parametrize("q", ["%", "'", "\\", "%(x)s", ":x", "; --", "ü", "\N{PARTY POPPER}"])
def test_what_is_looked_for_reaches_postgresql_as_it_is(account: GatewayAccount, q: str) -> None:
    found = make_callback(account, message(f"a{q}b"))
    make_callback(account, message("ab"))
    process()
    blocks = write_csv(callbacks(Filter.read([("tab", "all"), ("q", f"a{q}b")]), account.shop))
    records = list(csv.DictReader(io.StringIO(b"".join(blocks).decode(), newline="")))
    assert [record["id"] for record in records] == [str(found.id)]


def test_the_header_comes_first_and_a_reader_who_leaves_ends_the_query(account: GatewayAccount) -> None:
    long_history(account, 10_000)
    blocks = cast("Iterator[bytes]", write_csv(callbacks(Filter.from_query("tab=all"), account.shop), bom=True))
    assert next(blocks).startswith(BOM + b"id,received at,")
    next(blocks)
    assert _copies() == 1
    blocks.close()  # type: ignore[attr-defined]
    for _ in range(50):
        if _copies() == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the query goes on")


def _copies() -> int:
    count = db.session.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (%' AND state <> 'idle'"
            " AND backend_type = 'client backend'"
        )
    )
    db.session.rollback()
    return count or 0


def test_many_records_are_all_there(account: GatewayAccount) -> None:
    long_history(account, 10_000)
    blocks = list(write_csv(callbacks(Filter.from_query("tab=all"), account.shop)))
    assert max(map(len, blocks)) < 80 * 1024
    head, *records = csv.reader(io.StringIO(b"".join(blocks).decode(), newline=""))
    assert len(records) == 10_000
    assert {len(record) for record in records} == {len(head)}


def test_the_file_is_named_after_the_shop_and_its_own_time(client: FlaskClient, account: GatewayAccount) -> None:
    account.shop.time_zone = "Asia/Tokyo"
    db.session.commit()
    log_in(client, make_user(Role.viewer, account.shop))
    before = datetime.now(ZoneInfo("Asia/Tokyo"))
    response = client.get("/callbacks.csv?tab=all")
    assert response.data.startswith(BOM)
    named = re.fullmatch(
        r'attachment; filename="callbacks-([a-z0-9-]+)-(\d{8}-\d{4}).csv"', response.headers["Content-Disposition"]
    )
    assert named is not None
    assert named[1] == account.shop.slug
    at = datetime.strptime(named[2], "%Y%m%d-%H%M").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    assert at >= before.replace(second=0, microsecond=0)
    assert response.content_type == "text/csv; charset=utf-8; header=present"
    assert client.head("/callbacks.csv").status_code == 200


def test_only_so_many_are_on_their_way_at_a_time(account: GatewayAccount) -> None:
    make_callback(account, message("a"))
    table = callbacks(Filter.from_query("tab=all"), account.shop)
    ways: dict[str, Callable[[Export], object]] = {
        "read to the end": list,
        "closed before it began": lambda export: export.close(),
        "closed in the middle": lambda export: (next(export), export.close()),
    }
    for done in ways.values():
        all_ = [write_csv(table) for _ in range(MOST_AT_A_TIME)]
        with pytest.raises(Busy):
            write_csv(table)
        for one in all_:
            done(one)
    all_ = [write_csv(table) for _ in range(MOST_AT_A_TIME)]
    del all_  # forgotten
    assert list(write_csv(table))


def test_one_too_many_is_503_and_no_act_says_that_it_was_taken(client: FlaskClient, account: GatewayAccount) -> None:
    log_in(client, make_user(Role.viewer, account.shop))
    before = db.session.scalar(select(func.count(Activity.id)))
    held = [write_csv(callbacks(Filter.from_query("tab=all"), account.shop)) for _ in range(MOST_AT_A_TIME)]
    for path in ("/callbacks.csv?tab=all", "/callbacks.xlsx?tab=all", "/activity/csv", "/download?what=orders"):
        response = client.get(path)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert "Others are being served just now" in response.text
    assert db.session.scalar(select(func.count(Activity.id))) == before
    for one in held:
        one.close()
    assert client.get("/callbacks.csv?tab=all").status_code == 200


def test_an_export_takes_as_long_as_its_reader_takes(account: GatewayAccount) -> None:
    long_history(account, 40_000)
    shop = account.shop
    db.session.remove()
    db.engine.dispose()
    with db.engine.connect() as connection:  # the only one, so the next to be taken
        connection.execute(text("SET statement_timeout = '100ms'"))
        connection.commit()
    blocks = write_csv(callbacks(Filter.from_query("tab=all"), shop))
    next(blocks), next(blocks)
    time.sleep(0.5)
    assert sum(block.count(b"\n") for block in blocks) > 30_000
    db.engine.dispose()


def test_a_reason_is_told_in_words_and_in_its_code(account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    (record,) = export(account)
    assert (record["reason"], record["reason code"]) == ("Amount differs from the order", "amount_mismatch")


def test_a_cell_may_be_as_long_as_what_came(account: GatewayAccount) -> None:
    callback = make_callback(account, message("x"))
    process()
    callback.detail = "=" + 200_000 * "x"
    db.session.commit()
    data = b"".join(write_csv(callbacks(Filter.from_query("tab=all"), account.shop))).decode()
    head, record = data.splitlines()
    assert f",'={200_000 * 'x'}," in record
    assert head.startswith("id,")


@pytest.mark.parametrize("tab", Tab)
def test_a_whole_list_is_read_in_the_order_of_an_index_so_that_its_first_rows_come_at_once(
    account: GatewayAccount, tab: Tab
) -> None:
    assert "Sort" not in plan_of(account, Filter(tab))


@pytest.mark.parametrize("part", [{"order": "A-1"}, {"sort": Sort.largest}, {"reason": Reason.unclear}])
def test_what_is_a_part_or_in_another_order_may_be_sorted(account: GatewayAccount, part: dict[str, Any]) -> None:
    assert not callbacks(Filter(Tab.all, **part), account.shop).walked


def plan_of(account: GatewayAccount, filter_: Filter) -> str:
    table = callbacks(filter_, account.shop)
    query = table.plain.compile(db.engine, compile_kwargs={"render_postcompile": True})
    db.session.commit()
    with own_connection(db.engine, table.zone, sorts=not table.walked) as connection:
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {query}", query.params).scalars())
