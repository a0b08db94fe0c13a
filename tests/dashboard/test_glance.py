"""Whether what a screen shows is still true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import glance, speed
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process
from ..views.callbacks.test_live import unprocessed


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.manager, account.shop))
    Pulse.beat("callbacks")
    db.session.commit()
    return account


@pytest.fixture
def shop(account: GatewayAccount) -> Shop:
    return account.shop


def version_of(shop: Shop, minute: int = 10) -> str:
    """As of a moment so much later that ages stand in minutes."""
    db.session.rollback()
    return glance.look(shop.id, LATER + timedelta(minutes=minute)).version


LATER = utcnow() + timedelta(hours=1)


def test_the_version_stands_while_nothing_happens(account: GatewayAccount, shop: Shop) -> None:
    unprocessed(account)
    assert version_of(shop) == version_of(shop)


def test_an_age_that_reads_otherwise_is_another_version(account: GatewayAccount, shop: Shop) -> None:
    unprocessed(account)
    assert version_of(shop, 10) != version_of(shop, 11)


def test_arriving_is_another_version(account: GatewayAccount, shop: Shop) -> None:
    unprocessed(account)
    before = version_of(shop)
    unprocessed(account)
    assert version_of(shop) != before


@pytest.mark.parametrize("verb", ["retry", "remove"])
def test_an_act_is_another_version(account: GatewayAccount, shop: Shop, verb: str) -> None:
    callback = unprocessed(account)
    before = version_of(shop)
    callback.do(Verb(verb), None, "seen to")
    db.session.commit()
    assert version_of(shop) != before


def test_one_that_leaves_while_another_comes_is_another_version(account: GatewayAccount, shop: Shop) -> None:
    first = unprocessed(account)
    before = glance.look(shop.id, utcnow())
    first.do(Verb.remove, None, "seen to")
    db.session.commit()
    unprocessed(account)
    after = glance.look(shop.id, utcnow())
    assert (after.count, after.state == before.state) == (before.count, False)


def test_an_order_that_moves_is_another_version_though_its_callback_stays(account: GatewayAccount, shop: Shop) -> None:
    """How many orders can still be opened stands on the widget."""
    order = make_order(shop)
    make_callback(account, message(order, money=Money(1, "EUR")))
    process()
    before = version_of(shop)
    make_callback(account, message(order))
    process()
    assert version_of(shop) != before


def test_another_shops_callbacks_change_nothing(account: GatewayAccount, shop: Shop) -> None:
    before = version_of(shop)
    unprocessed(make_account())
    assert version_of(shop) == before


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """The statements sent since."""
    found: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_closer_look_is_kept_for_as_long_as_nothing_happens_and_a_minute_at_most(
    account: GatewayAccount, shop: Shop, asked: list[str]
) -> None:
    unprocessed(account)
    first = glance.summary(shop.id, LATER)
    found = glance.look(shop.id, LATER + glance.KEPT)
    asked.clear()
    again = glance.closer(shop.id, found)
    assert asked == []
    assert (again.groups, again.stakes, again.now) == (first.groups, first.stakes, found.now)
    glance.summary(shop.id, LATER + 2 * glance.KEPT)
    assert len(asked) > 2, "not what was seen two minutes ago"
    unprocessed(account)
    assert [group.count for group in glance.summary(shop.id, LATER + 2 * glance.KEPT).groups] == [2]


def test_where_nobody_is_needed_nothing_more_is_asked(shop: Shop, asked: list[str]) -> None:
    found = glance.look(shop.id, utcnow())
    asked.clear()
    assert glance.closer(shop.id, found).groups == ()
    assert asked == []


def test_by_cause_of_a_whole_tab_is_looked_at_anew_once_the_queue_has_changed(
    client: FlaskClient, account: GatewayAccount, asked: list[str]
) -> None:
    def looks(address: str = "/callbacks/causes") -> int:
        asked.clear()
        assert client.get(address).status_code == 200
        return sum("GROUPING SETS" in statement for statement in asked)

    unprocessed(account)
    assert [looks(), looks()] == [1, 0]
    assert [looks("/callbacks/causes?tab=decide"), looks("/callbacks/causes?tab=waiting"), looks()] == [1, 1, 0]
    assert [looks("/callbacks/causes?q=59"), looks("/callbacks/causes?q=59")] == [1, 1], "a search may find more"
    unprocessed(account)
    assert [looks(), looks()] == [1, 0]


def test_by_cause_of_one_shop_is_not_seen_in_another(client: FlaskClient, account: GatewayAccount, shop: Shop) -> None:
    unprocessed(account)
    assert "1 callback" in client.get("/callbacks/causes").text
    other = make_account()
    log_in(client, make_user(Role.manager, other.shop))
    assert "Nothing waits for you" in client.get("/callbacks/causes").text


def test_where_very_much_is_queued_one_closer_look_each_few_seconds_is_enough_for_all(
    client: FlaskClient, account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "MANY", 1)
    unprocessed(account)
    unprocessed(account)
    first = glance.summary(shop.id, LATER)
    unprocessed(account)
    soon = glance.summary(shop.id, LATER + glance.SELDOM / 2)
    assert (soon.count, soon.groups, soon.now) == (2, first.groups, LATER), "all of it is as of then"
    assert soon.version == first.version, "so that who sees it asks for what is newer"
    assert "3 callbacks" in client.get("/callbacks/causes").text, "who looks by cause sees what is"
    later = glance.summary(shop.id, LATER + glance.SELDOM)
    assert (later.count, [group.count for group in later.groups]) == (3, [3])


def test_where_much_is_queued_those_who_look_on_share_a_look_for_a_moment(
    account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    unprocessed(account)
    assert glance.lately(shop.id, LATER).count == 1
    unprocessed(account)
    assert glance.lately(shop.id, LATER).count == 2, "where little is queued each look is of now"
    monkeypatch.setattr(glance, "SOME", 1)
    unprocessed(account)
    soon = glance.lately(shop.id, LATER + glance.MOMENT / 2)
    assert (soon.count, soon.now) == (2, LATER), "with the time it is of"
    assert glance.look(shop.id, LATER + glance.MOMENT / 2).count == 3, "who opens a screen sees what is"
    assert glance.lately(shop.id, LATER + glance.MOMENT).count == 3
    assert glance.lately(make_account().shop_id, LATER + glance.MOMENT).count == 0, "each shop its own"


def test_which_was_processed_last_is_asked_once_until_another_was(
    client: FlaskClient, account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_processed, asked = speed.last_processed, list[int]()
    monkeypatch.setattr(speed, "last_processed", lambda shop: (asked.append(shop.id), last_processed(shop))[1])
    second = make_account(shop)
    second.title = "Second"
    for heard in (account, second):
        make_callback(heard, message(make_order(shop)))
        process()
        asked.clear()
        for _ in range(2):
            assert f"ago, {heard.title}.</span>" in client.get("/queue").text
        assert asked == [shop.id]


def test_while_somebody_looks_closer_others_see_what_was_seen_before(
    account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "MANY", 0)
    unprocessed(account)
    glance.summary(shop.id, LATER)
    unprocessed(account)
    others: list[glance.Summary] = []
    closer = glance._closer

    def looked_at_meanwhile(shop_id: int, now: datetime) -> Any:
        others.append(glance.summary(shop_id, now + timedelta(seconds=1)))
        return closer(shop_id, now)

    monkeypatch.setattr(glance, "_closer", looked_at_meanwhile)
    ours = glance.summary(shop.id, LATER + glance.SELDOM)
    assert ([other.count for other in others], ours.count) == ([1], 2)
