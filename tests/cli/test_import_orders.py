"""`flask orders import`, as an admin types it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from shopcallbacks.callbacks import moves
from shopcallbacks.domain.states import OrderState
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.acts import Activity

from ..factories import make_account, make_callback, make_order, make_shop, message, process
from .conftest import Run

CSV = """\
\N{ZERO WIDTH NO-BREAK SPACE}number,amount,currency,customer_email,test,created_at
26-1,59.90,EUR,ann@example.com,,2024-05-01T12:00:00+02:00
26-2,100,EUR,,true,
"""
LINES = """\
{"number": "26-1", "amount": "59.90", "currency": "EUR", "created_at": "2024-05-01T12:00:00+02:00"}
{"number": "26-2", "amount": "100.00", "currency": "EUR", "test": true}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "orders").write_text(text)
    return folder / "orders"


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Order)) or 0


def test_orders_are_brought_along_from_a_csv(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    assert "created: 2" in flask("orders", "import", shop.slug, write(tmp_path, CSV)).output
    first, second = (Order.find(shop.id, number) for number in ("26-1", "26-2"))
    assert first is not None
    assert second is not None
    assert (str(first.total), first.customer_email, first.test) == ("59.90 EUR", "ann@example.com", False)
    assert first.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC), "it is as old as it is"
    assert (str(second.total), second.customer_email, second.test) == ("100.00 EUR", None, True)
    act = db.session.scalars(select(Activity).where(Activity.verb == "import")).one()
    assert act.what == "2 orders"


def test_orders_are_brought_along_from_json_lines_once_however_often(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    assert "created: 2" in flask("orders", "import", shop.slug, write(tmp_path, LINES)).output
    assert "was there already: 2" in flask("orders", "import", shop.slug, write(tmp_path, LINES)).output
    assert (count(), len(OrderEvent.after(shop.id, 0, 10))) == (2, 2)


def test_a_preview_says_what_would_be_and_changes_nothing(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    make_order(shop, "26-1")
    output = flask("orders", "import", shop.slug, write(tmp_path, CSV), "--preview").output
    assert "created: 1" in output
    assert (count(), len(OrderEvent.after(shop.id, 0, 10))) == (1, 1)
    assert db.session.scalars(select(Activity).where(Activity.verb == "import")).first() is None


def test_where_one_line_can_not_be_taken_none_is(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    bad = CSV + "26-3,1,eur,,,\n26-4,1,EUR,,maybe,\n26-5,1,EUR,,,2024-05-01\n"
    output = flask("orders", "import", shop.slug, write(tmp_path, bad), code=1).output
    assert "line 4: currency must be an ISO 4217 code" in output
    assert "line 5: test must be true or false" in output
    assert "line 6: created_at must be a moment with its zone" in output
    assert count() == 0
    late = LINES.replace('"26-1",', '"26-1", "expires_at": "9999-12-31T23:59:59-14:00",')
    output = flask("orders", "import", shop.slug, write(tmp_path, late), code=1).output
    assert "line 1: expires_at must be a moment with its zone" in output
    assert count() == 0


def test_what_the_rules_refuse_is_told_and_the_rest_is_handed_in(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    lines = LINES.replace('"26-1",', '"26-1", "expires_at": "2024-05-02T12:00:00Z",')
    output = flask("orders", "import", shop.slug, write(tmp_path, lines), code=1).output
    assert "1 order refused:\n26-1: expires_at must lie in the future" in output
    assert Order.find(shop.id, "26-1") is None
    assert Order.find(shop.id, "26-2") is not None


def test_an_order_that_is_there_stays_as_it_is(flask: Run, tmp_path: Path) -> None:
    account = make_account()
    paid, cancelled, changed = (make_order(account.shop, f"26-{n}", 1200) for n in (1, 2, 3))
    make_callback(account, message(paid))
    process()
    moves.cancel(cancelled.id, "shop")
    lines = "number,amount,currency\n26-1,1,EUR\n26-2,12,EUR\n26-3,11,EUR\n"
    assert "was there already: 3" in flask("orders", "import", account.shop.slug, write(tmp_path, lines)).output
    assert (str(paid.total), paid.state) == ("12.00 EUR", OrderState.open)
    assert cancelled.state is OrderState.cancelled
    assert (str(changed.total), changed.state) == ("12.00 EUR", OrderState.temporary)


def test_a_number_that_comes_twice_is_told_with_its_lines_and_nothing_is_taken(flask: Run, tmp_path: Path) -> None:
    shop = make_shop()
    twice = CSV + " 26-1 ,5.90,EUR,,,\n26-3,1,EUR,,,\n26-1,5.90,EUR,,,\n"
    output = flask("orders", "import", shop.slug, write(tmp_path, twice), code=1).output
    assert output == "Error: 26-1 stands in line 2, line 4, line 6\n"
    assert count() == 0


def test_an_order_wakes_the_callbacks_that_waited_for_it(flask: Run, tmp_path: Path) -> None:
    account = make_account()
    callback = make_callback(account, message("26-1"))
    process()
    assert callback.order_id is None
    flask("orders", "import", account.shop.slug, write(tmp_path, LINES))
    process()
    order = Order.find(account.shop_id, "26-1")
    assert order is not None
    assert order.state is OrderState.open
