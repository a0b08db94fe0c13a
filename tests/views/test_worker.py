"""A worker that is gone is said on every page, and in the rows that wait for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shopcallbacks.bells import Bell
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.mark import Mark
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process

PAGES = (
    *("/", "/callbacks", "/callbacks/causes", "/bulk", "/orders", "/activity", "/activity/mine", "/preferences"),
    *("/settings", "/settings/orders", "/settings/endpoint", "/settings/alerts"),
)
SENTENCE = "The worker has not been seen for 4 min: 1 callback is waiting, nothing is lost."


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account()


@pytest.fixture
def manager(client: FlaskClient, account: GatewayAccount) -> User:
    user = make_user(Role.manager, account.shop)
    log_in(client, user)
    return user


def worker_seen(ago: timedelta) -> None:
    Pulse.beat("callbacks")
    db.session.get_one(Pulse, "callbacks").seen_at = utcnow() - ago
    db.session.commit()


def pages_of(client: FlaskClient) -> list[str]:
    """Every page that is reached by GET without an id, but what is no page."""
    answers = {path: client.get(path) for path in PAGES}
    return [answer.text for path, answer in answers.items() if answer.status_code == 200]


@pytest.mark.usefixtures("manager")
def test_every_page_says_once_that_the_worker_is_gone(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message())
    worker_seen(timedelta(minutes=4))
    pages = pages_of(client)
    assert len(pages) >= 7
    assert [page.count(SENTENCE) for page in pages] == [1] * len(pages)


@pytest.mark.usefixtures("manager")
def test_every_page_says_once_that_an_older_back_up_was_put_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("An older back-up" in page for page in pages_of(client))
    monkeypatch.setattr(Mark, "missing", lambda self: True)
    pages = pages_of(client)
    assert [page.count("An older back-up of the database was put back") for page in pages] == [1] * len(pages)


@pytest.mark.usefixtures("manager")
def test_no_page_says_so_while_it_is_alive(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message())
    worker_seen(timedelta(seconds=5))
    assert not any("The worker has" in page for page in pages_of(client))


@pytest.mark.usefixtures("manager")
def test_one_that_was_never_there_is_said_too_and_that_redis_is_away(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bell, "alive", False)
    page = client.get("/orders").text
    assert "The worker has never been seen: no callback is waiting, nothing is lost." in page
    assert "Redis can&#39;t be reached; work goes on once it is back." in page


@pytest.mark.usefixtures("manager")
def test_an_open_page_hears_only_what_is_new(client: FlaskClient) -> None:
    worker_seen(timedelta(seconds=5))
    assert client.get("/worker?seen=alive").status_code == 204
    back = client.get("/worker?seen=gone").text
    assert "The worker" not in back
    assert "seen=alive" in back
    worker_seen(timedelta(minutes=4))
    assert "The worker has not been seen for 4 min" in client.get("/worker?seen=alive").text


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(("seconds", "waits"), [(10, False), (30, True), (90, True)])
def test_a_row_that_nobody_took_says_what_it_waits_for(
    client: FlaskClient, account: GatewayAccount, seconds: int, waits: bool
) -> None:
    make_callback(account, message(), utcnow() - timedelta(seconds=seconds))
    assert ("waits for the worker" in client.get("/callbacks?tab=all").text) is waits


@pytest.mark.usefixtures("manager")
def test_one_that_a_worker_has_in_hand_does_not(client: FlaskClient, account: GatewayAccount) -> None:
    callback = make_callback(account, message(), utcnow() - timedelta(seconds=30))
    callback.leased_until = utcnow() + timedelta(seconds=20)
    db.session.commit()
    assert "waits for the worker" not in client.get("/callbacks?tab=all").text


def test_a_retry_that_nobody_took_says_so_too(client: FlaskClient, account: GatewayAccount, manager: User) -> None:
    callback = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    callback.do(Verb.retry, manager)
    assert callback.asked_at is not None
    callback.asked_at -= timedelta(seconds=30)
    db.session.commit()
    assert "asked by you 30 s ago; waits for the worker" in client.get("/callbacks?tab=all").text
