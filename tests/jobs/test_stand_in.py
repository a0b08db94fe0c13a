"""With no worker there a web process tells people so: once, and never while there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from shopcallbacks import jobs
from shopcallbacks.bells import Bell
from shopcallbacks.clock import utcnow
from shopcallbacks.config import SmtpServer
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.extensions import db
from shopcallbacks.jobs import stand_in
from shopcallbacks.outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules
from shopcallbacks.outgoing.deliveries import Delivery
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.mail import Mailer
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_callback, make_order, message
from ..processes import until
from ..receiver import MailBox, mail_server


@pytest.fixture
def box(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBox]:
    with mail_server() as found:
        monkeypatch.setitem(app.extensions, "mailer", Mailer(SmtpServer.read(found.url), "alerts@shop.example"))
        yield found


@pytest.fixture
def account(box: MailBox) -> GatewayAccount:
    """Of a shop whose owner wants to hear by mail, of nothing but what is always told."""
    account = make_account()
    rules = AlertRules.of(account.shop_id)
    rules.recipients, rules.waiting = "dana@shop.example", False
    db.session.commit()
    return account


def worker_seen(ago: timedelta) -> None:
    Pulse.beat("callbacks")
    db.session.get_one(Pulse, "callbacks").seen_at = utcnow() - ago
    db.session.commit()


def look_again() -> None:
    """As if the last look were long ago."""
    db.session.execute(update(AlertRules).values(looked_at=None))
    db.session.commit()


def kinds() -> list[AlertKind]:
    db.session.expire_all()
    return list(db.session.scalars(select(AlertMessage.kind).order_by(AlertMessage.id)))


def test_that_the_worker_is_gone_is_mailed_once(account: GatewayAccount, box: MailBox) -> None:
    make_callback(account, message())
    worker_seen(timedelta(minutes=4))
    assert stand_in.stand_in() == 1
    look_again()
    assert stand_in.stand_in() == 0
    (letter,) = box.letters
    assert letter["Subject"] == f"[{account.shop.name}] The worker has stopped"
    text = letter.get_content()
    assert "The worker has not been seen for 4 min: 1 callback is waiting, nothing is lost." in text
    assert "as soon as a worker is there it takes up all that waits." in text


def test_that_it_is_back_the_worker_tells_itself(account: GatewayAccount) -> None:
    worker_seen(timedelta(minutes=4))
    stand_in.stand_in()
    worker_seen(timedelta())
    look_again()
    jobs.sweep_outgoing()
    assert kinds() == [AlertKind.worker, AlertKind.worker_back]


@pytest.mark.usefixtures("account")
def test_nothing_is_told_or_sent_while_a_worker_is_there(box: MailBox) -> None:
    worker_seen(timedelta(seconds=30))
    assert (stand_in.stand_in(), kinds(), box.letters) == (0, [], [])


@pytest.mark.usefixtures("account")
def test_a_worker_that_begins_after_a_long_night_does_not_tell_that_it_is_missing() -> None:
    worker_seen(timedelta(hours=9))
    jobs.sweep_outgoing()
    assert kinds() == []


def test_where_redis_is_why_it_is_said(account: GatewayAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bell, "alive", False)
    worker_seen(timedelta(minutes=4))
    stand_in.stand_in()
    (text,) = db.session.scalars(select(AlertMessage.text))
    assert "Redis can't be reached; work goes on once it is back." in text


def test_it_is_not_back_because_nothing_waits_for_it_any_more(account: GatewayAccount) -> None:
    callback = make_callback(account, message(), utcnow() - timedelta(minutes=2))
    stand_in.stand_in()
    callback.do(Verb.remove, None, "seen to")
    db.session.commit()
    look_again()
    stand_in.stand_in()
    assert kinds() == [AlertKind.worker]


def test_one_that_never_was_there_is_told_once_a_callback_has_waited_for_it(account: GatewayAccount) -> None:
    stand_in.stand_in()
    assert kinds() == []
    make_callback(account, message(), utcnow() - timedelta(minutes=2))
    look_again()
    stand_in.stand_in()
    assert kinds() == [AlertKind.worker]


def test_it_sends_alerts_and_leaves_the_shops_deliveries_to_the_worker(account: GatewayAccount) -> None:
    Endpoint.add(account.shop_id, "https://shop.example/hook")
    make_order(account.shop)
    worker_seen(timedelta(minutes=4))
    assert stand_in.stand_in() == 1
    assert db.session.scalars(select(Delivery)).all() == []


def test_it_keeps_watch_in_a_thread_of_its_own(app: Flask, account: GatewayAccount, box: MailBox) -> None:
    worker_seen(timedelta(minutes=4))
    stopped = stand_in.begin(app, every_s=0.05)
    try:
        until(lambda: box.letters)
    finally:
        stopped.set()
