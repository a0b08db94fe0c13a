"""The real worker: order changes and alerts go out by themselves, and wait out an endpoint that is down."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from flask import Flask
from sqlalchemy import func, select, update
from standardwebhooks import Webhook

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import Feed
from shopcallbacks.outgoing.alerts.rules import AlertRules
from shopcallbacks.outgoing.deliveries import Delivery
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import Shop
from tests.factories import make_account, make_order, make_shop, make_token, message, request_for
from tests.processes import Site, site, until
from tests.receiver import MailBox, Receiver, http_receiver, mail_server


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def running(environ: dict[str, str], shop: Shop, box: MailBox, tmp_path: Path) -> Iterator[Site]:
    open_way = {"OUTGOING_ALLOW_HTTP": "1", "OUTGOING_ALLOW_PRIVATE": "1", "SMTP_URL": box.url}
    with site(environ, tmp_path, **open_way) as found:
        yield found


def connect(shop: Shop, receiver: Receiver) -> str:
    Endpoint.add(shop.id, receiver.url)
    secret = SigningSecret.make(shop.id, Purpose.endpoint)
    db.session.commit()
    return secret


def place(running: Site, shop: Shop, numbers: list[str]) -> None:
    token = make_token(shop)
    with requests.Session() as session:
        for number in numbers:
            order = {"number": number, "amount": "59.90", "currency": "EUR"}
            answer = session.post(
                f"{running.url}/api/orders", json=order, headers={"Authorization": f"Bearer {token}"}, timeout=10
            )
            assert answer.status_code == 201


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(Delivery.next_try_at.is_not(None))) or 0


def test_a_change_is_told_by_a_bell_and_waits_for_no_sweep(running: Site, shop: Shop) -> None:
    with http_receiver() as receiver:
        secret = connect(shop, receiver)
        place(running, shop, ["warm-up"])
        until(lambda: receiver.received)
        scheduler = max(psutil.Process(running.pid("worker")).children(), key=lambda child: child.pid)  # forked last
        scheduler.suspend()
        try:
            place(running, shop, ["251123-1"])
            until(lambda: len(receiver.received) == 2)
        finally:
            scheduler.resume()
        said = Webhook(secret).verify(receiver.received[1].body, receiver.received[1].headers)
        assert (said["order"], said["kind"]) == ("251123-1", "created")


def test_nothing_is_lost_while_endpoint_and_worker_are_down(running: Site, shop: Shop) -> None:
    """Down at first, then answering 503, then the worker is killed in the middle: each change arrives, in order."""
    numbers = [f"251123-{n}" for n in range(60)]
    account = make_account(shop)
    with http_receiver() as receiver:
        port = urlsplit(receiver.url).port or 0
        connect(shop, receiver)
    place(running, shop, numbers)
    until(waiting)
    with http_receiver(port) as receiver:
        receiver.answer = lambda _: 503
        until(lambda: receiver.received, seconds=40)
        receiver.answer = lambda received: 204
        receiver.pause_s = 0.02
        for number in numbers:
            request = request_for(account, message(number, money=Money(5990, "EUR")))
            url = running.url + account.callback_path
            requests.post(url, data=request.body, headers=dict(request.headers), timeout=10)
        running.stop("worker", signal.SIGKILL)
        receiver.received.clear()
        # As if the endpoint's rest and the leases of the killed worker had passed.
        past = utcnow()
        db.session.execute(update(Endpoint).values(rests_until=None, failures=0))
        db.session.execute(
            update(Delivery).where(Delivery.next_try_at.is_not(None)).values(next_try_at=past, leased_until=None)
        )
        db.session.commit()
        running.start("worker")

        def all_told() -> bool:
            db.session.rollback()
            endpoint = Endpoint.of(shop.id)
            feed = db.session.get_one(Feed, shop.id, populate_existing=True)
            assert endpoint is not None
            db.session.refresh(endpoint)
            return feed.position == 2 * len(numbers) == endpoint.position and not waiting()

        until(all_told, seconds=90)
        told: dict[str, list[int]] = {}
        for received in receiver.received:
            body = json.loads(received.body)
            told.setdefault(body["order"], []).append(int(body["position"]))
        delivered = db.session.scalar(select(func.count()).where(Delivery.delivered_at.is_not(None)))
        assert delivered == 2 * len(numbers)
        assert all(positions == sorted(positions) for positions in told.values()), "in order per order"


def test_an_alert_comes_by_itself(running: Site, shop: Shop, box: MailBox) -> None:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", True
    account, order = make_account(shop), make_order(shop)
    request = request_for(account, message(order, money=Money(1, "EUR")))
    requests.post(running.url + account.callback_path, data=request.body, headers=dict(request.headers), timeout=10)
    until(lambda: box.letters, seconds=40)
    assert box.letters[0]["Subject"] == f"[{shop.name}] 1 callback needs a person, 59.90 EUR"
