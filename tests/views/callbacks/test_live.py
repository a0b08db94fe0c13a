"""Open screens: they ask whether anything is new, get only what is, and are never told an untruth by silence."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel import moved
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role, User

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.manager, account.shop))
    Pulse.beat("callbacks")
    db.session.commit()
    return account


def unprocessed(account: GatewayAccount) -> Callback:
    callback = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    return callback


def again(text: str, path: str) -> str:
    """The address the fragment asks next."""
    found = re.search(rf'hx-get="({re.escape(path)}\?[^"]*)"', text)
    assert found is not None
    return html.unescape(found[1])


def test_open_screens_ask_as_often_as_is_set(
    client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    unprocessed(account)
    monkeypatch.setitem(client.application.config, "FOLLOW_SECONDS", 7)
    for path in ("/", "/callbacks"):
        page = client.get(path).text
        assert 'hx-trigger="every 7s, callbacks-changed' in page
        assert 'hx-trigger="every 21s, callbacks-changed' in page


def test_an_unchanged_widget_answers_with_its_foot_alone(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    make_callback(account, message(order, money=Money(1, "EUR")), utcnow() - timedelta(hours=3, seconds=20))
    process()
    whole = client.get("/queue").text
    part = client.get(again(whole, "/queue")).text
    assert "oldest" in whole
    assert 'id="queue"' not in part
    assert '<hx-partial hx-target="#queue-foot"' in part
    assert "as of" in part


def test_a_widget_that_changed_answers_whole(client: FlaskClient, account: GatewayAccount) -> None:
    unprocessed(account)
    seen = again(client.get("/queue").text, "/queue")
    unprocessed(account)
    assert "Review 2 callbacks" in client.get(seen).text


def test_a_worker_that_is_gone_is_said_at_the_next_look(client: FlaskClient, account: GatewayAccount) -> None:
    unprocessed(account)
    seen = again(client.get("/queue").text, "/queue")
    db.session.get_one(Pulse, "callbacks").seen_at = utcnow() - timedelta(minutes=4)
    db.session.commit()
    assert "The worker has not been seen for 4 min" in client.get(seen).text


@pytest.mark.parametrize("seen", ["", "x", "9" * 5000, "☃"])
def test_a_version_nobody_gave_is_answered_whole(client: FlaskClient, account: GatewayAccount, seen: str) -> None:
    unprocessed(account)
    assert 'id="queue"' in client.get("/queue", query_string={"seen": seen}).text


def test_an_unchanged_count_is_no_answer(client: FlaskClient, account: GatewayAccount) -> None:
    unprocessed(account)
    seen = again(client.get("/queue/count").text, "/queue/count")
    assert client.get(seen).status_code == 204
    unprocessed(account)
    assert ">2<" in client.get(seen).text


def test_a_panel_of_which_nothing_is_new_gets_no_answer(client: FlaskClient, account: GatewayAccount) -> None:
    callback = unprocessed(account)
    page = client.get("/callbacks").text
    mark = re.search(r'data-mark="([^"]+)"', page)
    assert mark is not None
    assert client.get(again(page, "/callbacks/news"), query_string=None).status_code == 204
    assert client.get(again(page, "/callbacks/news") + f"&shown={mark[1]}").status_code == 204
    assert mark[1].startswith(f"{callback.id}.")


def test_only_the_row_that_moved_on_comes_with_the_counts(client: FlaskClient, account: GatewayAccount) -> None:
    mine, other = unprocessed(account), unprocessed(account)
    page = client.get("/callbacks?sort=age").text
    shown = "+".join(re.findall(r'data-mark="([^"]+)"', page))
    other.do(Verb.remove, db.session.get_one(User, 1), "a test of the old shop")
    db.session.commit()
    text = client.get(again(page, "/callbacks/news") + f"&shown={shown}").text
    assert f'id="callback-{other.id}"' in text
    assert "a test of the old shop" in text
    assert f'id="callback-{mine.id}"' not in text
    assert '<span id="count-unprocessed" class="count count-loud">1</span>' in text
    assert '<span id="count-invalid" class="count">1</span>' in text
    assert 'name="back" value="/callbacks?sort=age"' in text, "its buttons lead back to where it is shown"


def test_new_rows_are_announced_and_not_pushed_in(client: FlaskClient, account: GatewayAccount) -> None:
    unprocessed(account)
    seen = again(client.get("/callbacks").text, "/callbacks/news")
    new = unprocessed(account)
    text = client.get(seen).text
    assert "1 new: show" in text
    assert f'id="callback-{new.id}"' not in text


def test_a_row_of_another_shop_never_comes(client: FlaskClient, account: GatewayAccount) -> None:
    strange = unprocessed(make_account())
    page = client.get("/callbacks").text
    text = client.get(again(page, "/callbacks/news") + f"&shown={strange.id}.999.0.0.0").text
    assert f"callback-{strange.id}" not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1",
        "1.1",
        "x.1.0.0.0",
        "1.x.0.0.0",
        "².1.0.0.0",
        "9" * 30 + ".1.0.0.0",
        "-1.0.0.0.0",
        "\x00.1.0.0.0",
        "1.1.0.0.0.0",
    ],
)
def test_marks_no_row_has_written_are_left_out(text: str) -> None:
    assert moved.read(text) == {}


def test_marks_beyond_a_page_are_left_out() -> None:
    assert len(moved.read(" ".join(f"{n}.0.0.0.0" for n in range(1000)))) == moved.MOST


@pytest.mark.parametrize("query", ["since=x", "seen=%01", "shown=%01", "shown=%FF", "since=2026-11-26", "back=//evil"])
def test_bad_news_are_no_failure(client: FlaskClient, account: GatewayAccount, query: str) -> None:
    unprocessed(account)
    assert client.get(f"/callbacks/news?{query}").status_code in (200, 204)
