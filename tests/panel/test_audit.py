"""The audit: every human act in one list, narrowed down, and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.panel.audit import Acts
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..factories import (
    PASSWORD,
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def manager(shop: Shop) -> User:
    return make_user(Role.manager, shop)


def shown(shop: Shop, admin: bool = False, **wanted: str) -> list[str]:
    """What was done, newest first."""
    return [f"{act.verb} {act.why}".strip() for act in Acts.read(wanted.items()).page(shop, admin, None, 50)]


def act(verb: str, user: User | None, shop: Shop | None, **more: object) -> None:
    Activity.record(verb, user, shop_id=shop.id if shop else None, **more)  # type: ignore[arg-type]
    db.session.commit()


def test_the_list_is_narrowed_down_by_who_and_what(shop: Shop, manager: User) -> None:
    other = make_user(Role.manager, shop)
    act("remove", manager, shop, why="a")
    act("retry", manager, shop, why="b")
    act("remove", other, shop, why="c")
    act("force", None, shop, why="d")
    assert shown(shop) == ["force d", "remove c", "retry b", "remove a"]
    assert shown(shop, who=str(manager.id)) == ["retry b", "remove a"]
    assert shown(shop, who="cli") == ["force d"]
    assert shown(shop, verb="remove") == ["remove c", "remove a"]
    assert shown(shop, verb="remove", who=str(other.id)) == ["remove c"]


def test_by_days_of_the_shops_own_time(shop: Shop, manager: User) -> None:
    shop.time_zone = "Pacific/Kiritimati"  # 14 hours ahead: often tomorrow
    act("retry", manager, shop)
    day = (utcnow() + timedelta(hours=14)).date()
    assert shown(shop, **{"from": str(day), "to": str(day)}) == ["retry"]
    assert shown(shop, **{"from": str(day + timedelta(days=1))}) == []
    assert shown(shop, to=str(day - timedelta(days=1))) == []


def test_by_callback_and_by_order(shop: Shop, manager: User) -> None:
    order = make_order(shop, "251123-1")
    callback = make_callback(make_account(shop), message(order))
    process()
    act("retry", manager, shop, callback_id=callback.id, order_id=order.id)
    act("retry", manager, shop, why="another")
    assert shown(shop, callback=str(callback.id)) == ["retry"]
    assert shown(shop, order="251123-1") == ["retry"]
    assert shown(shop, order="nowhere") == []


def test_who_logged_in_stands_in_the_lists_of_the_shops_they_see(shop: Shop, manager: User) -> None:
    stranger = make_user(Role.manager, make_shop())
    act("log in", manager, None)
    act("log in", stranger, None)
    act("failed log-in", None, None, what="nobody@x.example")
    assert shown(shop) == ["log in"]
    assert shown(shop, admin=True) == ["failed log-in", "log in"]


def test_what_can_not_be_used_is_left_out_with_a_sentence(shop: Shop) -> None:
    wanted = Acts.read({"who": "x'", "callback": "1e9", "from": "yesterday", "to": "9999-99-99"}.items())
    assert len(wanted.problems) == 4
    assert wanted.pairs == []
    assert wanted.page(shop, False, None, 5) == []


def test_every_human_act_is_kept(client: FlaskClient, shop: Shop) -> None:
    admin = make_user(Role.owner)
    client.post("/login", data={"email": admin.email, "password": "wrong"})
    client.post("/login", data={"email": admin.email, "password": PASSWORD})
    client.get(f"/activity/csv?shop={shop.slug}")
    client.post("/settings/endpoint", data={"url": "https://shop.example/hook?token=hidden"})
    client.post("/settings/alerts", data={"recipients": "a@shop.example"})
    client.post("/logout")
    acts = db.session.scalars(select(Activity).order_by(Activity.id)).all()
    assert [one.verb for one in acts] == ["failed log-in", "log in", "export", "settings", "settings", "log out"]
    assert {one.user_id for one in acts} == {admin.id}
    assert not [one for one in acts if "hidden" in one.what]


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    "statement", ["DELETE FROM activity", "UPDATE activity SET why = ''", "TRUNCATE activity CASCADE"]
)
def test_no_act_is_ever_changed_or_deleted(shop: Shop, statement: str) -> None:
    act("retry", None, shop)
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(statement))


def test_the_download_has_what_the_list_has(client: FlaskClient, shop: Shop, manager: User) -> None:
    order = make_order(shop, "251123-1")
    act("remove", manager, shop, why='=cmd|"x"\nsecond line', order_id=order.id)
    act("remove", manager, make_shop(), why="not for you")
    log_in(client, manager)
    response = client.get("/activity/csv?" + urlencode({"verb": "remove"}))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert f"activity-{shop.slug}-" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert [(row["who"], row["verb"], row["why"], row["order number"]) for row in rows] == [
        (manager.name, "remove", '\'=cmd|"x" second line', "251123-1")
    ]


def test_the_page_keeps_its_filter_and_says_what_it_left_out(client: FlaskClient, shop: Shop, manager: User) -> None:
    for number in range(60):
        act("retry", manager, shop, why=f"reason {number}")
    act("remove", manager, shop)
    html = log_in(client, manager).get(f"/activity?verb=retry&who={manager.id}&from=never").text
    assert "is not a day" in html
    assert "removed as invalid</th>" not in html
    assert "verb=retry" in html.partition("Older")[0].rpartition("href=")[2]
    assert "No act fits the filter" in client.get("/activity?verb=force").text
