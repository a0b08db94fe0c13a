"""The shop hears of each order change: signed, at least once, in order per order, and nothing is lost meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError
from standardwebhooks import Webhook, WebhookVerificationError

from shopcallbacks import jobs
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Effect, Lane
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import Feed
from shopcallbacks.outgoing import parcels, sending
from shopcallbacks.outgoing.deliveries import Delivery, Part
from shopcallbacks.outgoing.endpoint import PATIENCE, Endpoint
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.outgoing.parcels import Parcel, Receipt
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import Shop

from ..factories import make_account, make_callback, make_order, make_shop, make_token, message, process
from ..receiver import Received, Receiver

pytestmark = pytest.mark.usefixtures("open_way")


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def secret(shop: Shop, receiver: Receiver) -> str:
    """Of the shop's endpoint, which is the receiver."""
    Endpoint.add(shop.id, receiver.url)
    secret = SigningSecret.make(shop.id, Purpose.endpoint)
    db.session.commit()
    return secret


def send() -> None:
    """All that is due now."""
    db.session.commit()
    while jobs.drain_outgoing():
        pass
    db.session.expire_all()


def make_due() -> None:
    """As if the time until the next tries had passed, for deliveries and for the endpoint's rest."""
    past = utcnow() - timedelta(seconds=1)
    db.session.execute(update(Delivery).where(Delivery.next_try_at.is_not(None)).values(next_try_at=past))
    db.session.execute(update(Endpoint).values(rests_until=None))
    db.session.commit()


def bodies(receiver: Receiver) -> list[Any]:
    return [json.loads(one.body) for one in receiver.received]


def kinds(receiver: Receiver) -> list[tuple[str, str]]:
    return [(body["order"], body["kind"]) for body in bodies(receiver)]


def test_a_change_is_sent_signed_and_as_the_api_tells_it(
    client: FlaskClient, shop: Shop, secret: str, receiver: Receiver
) -> None:
    make_order(shop, "251123-1")
    send()
    token = make_token(shop)
    told = client.get("/api/events", headers={"Authorization": f"Bearer {token}"}).json["events"]
    verified = Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    assert [verified] == told
    delivery = db.session.scalars(select(Delivery)).one()
    assert (delivery.answer, delivery.open, delivery.tries) == ("answered 204", False, 1)


def test_only_what_happens_after_it_was_connected_is_sent(shop: Shop, receiver: Receiver) -> None:
    make_order(shop, "before")
    Endpoint.add(shop.id, receiver.url)
    SigningSecret.make(shop.id, Purpose.endpoint)
    db.session.commit()
    make_order(shop, "after")
    send()
    assert kinds(receiver) == [("after", "created")]


@pytest.mark.usefixtures("secret")
def test_another_shops_changes_are_not_sent(receiver: Receiver) -> None:
    make_order(make_shop())
    send()
    assert receiver.received == []


@pytest.mark.usefixtures("secret")
def test_each_order_is_told_in_order(shop: Shop, receiver: Receiver) -> None:
    account = make_account(shop)
    orders = [make_order(shop) for _ in range(20)]
    for order in orders:
        make_callback(account, message(order, Outcome.pending, transaction_id=order.number))
        make_callback(account, message(order, transaction_id=order.number))
    process()
    receiver.pause_s = 0.01
    send()
    for order in orders:
        assert [kind for number, kind in kinds(receiver) if number == order.number] == ["created", "awaiting", "opened"]


@pytest.mark.usefixtures("secret")
def test_an_order_that_is_not_taken_holds_up_no_other(shop: Shop, receiver: Receiver) -> None:
    stuck, other = make_order(shop, "stuck"), make_order(shop, "other")
    account = make_account(shop)
    for order in (stuck, other):
        make_callback(account, message(order))
    process()
    receiver.answer = lambda received: 500 if b'"stuck"' in received.body else 200
    send()
    assert ("other", "opened") in kinds(receiver)
    assert ("stuck", "opened") not in kinds(receiver), "not before what came before it"
    receiver.answer = lambda _: 200
    make_due()
    send()
    assert [kind for number, kind in kinds(receiver) if number == "stuck"][-2:] == ["created", Effect.opened]


@pytest.mark.usefixtures("secret")
def test_nothing_is_lost_while_the_endpoint_is_down(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _: 503
    numbers = [make_order(shop).number for _ in range(30)]
    send()
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    asked = len(receiver.received)
    assert asked < 30, "it is left in peace after a few failures"
    assert endpoint.rests_until is not None
    assert Delivery.counts(endpoint.id)[Part.waiting] == 30
    receiver.answer = lambda _: 200
    receiver.received.clear()
    make_due()
    send()
    assert sorted(body["order"] for body in bodies(receiver)) == sorted(numbers)
    assert endpoint.failures == 0
    assert Delivery.counts(endpoint.id) == {Part.waiting: 0, Part.given_up: 0}


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("by", ["an answer", "another address"])
def test_when_the_endpoint_is_well_again_what_waited_is_sent_at_once(shop: Shop, receiver: Receiver, by: str) -> None:
    receiver.answer = lambda _: 503
    make_order(shop, "old")
    for _ in range(PATIENCE + 3):
        make_due()
        send()
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    receiver.answer = lambda _: 200
    receiver.received.clear()
    if by == "an answer":
        endpoint.rests_until = None
        make_order(shop, "new")
    else:
        endpoint.take_heart()
    send()
    assert ("old", "created") in kinds(receiver)
    assert (endpoint.failures, Delivery.counts(endpoint.id)[Part.waiting]) == (0, 0)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("breaks", ["sending", "noting"])
def test_one_that_breaks_costs_no_other_and_nothing_is_sent_twice(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    orders = [make_order(shop).number for _ in range(3)]
    odd, post, note = 2, Outgoing.post, parcels.note

    def posts(self: Outgoing, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        if orders[1] in body.decode() and breaks == "sending":
            raise ConnectionResetError
        return post(self, url, headers, body)

    def notes(parcel: Parcel, receipt: Receipt) -> None:
        if parcel.id == odd and breaks == "noting":
            raise RuntimeError
        note(parcel, receipt)

    with monkeypatch.context() as patch:
        patch.setattr(Outgoing, "post", posts)
        patch.setattr(parcels, "note", notes)
        db.session.commit()
        jobs.drain_outgoing()
    db.session.execute(update(Delivery).values(leased_until=None))
    make_due()
    send()
    told = [order for order, _ in kinds(receiver)]
    assert [told.count(number) for number in orders] == [1, 1 if breaks == "sending" else 2, 1]
    if breaks == "sending":
        assert db.session.get_one(Delivery, odd).tries == 2


@pytest.mark.usefixtures("secret")
def test_an_endpoint_that_does_not_answer_is_asked_by_one_at_a_time(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _: 503
    for _ in range(40):
        make_order(shop)
    send()
    make_due()
    before = len(receiver.received)
    jobs.drain_outgoing()
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    assert (len(receiver.received) - before, endpoint.failures >= PATIENCE) == (1, True)


@pytest.mark.usefixtures("secret")
def test_what_is_not_taken_for_three_days_is_given_up_and_the_order_goes_on(shop: Shop, receiver: Receiver) -> None:
    order = make_order(shop, "251123-1")
    receiver.answer = lambda _: 500
    send()
    delivery = db.session.scalars(select(Delivery)).one()
    waits = [sending.wait_after(tries) for tries in range(1, 30)]
    assert waits[0] < timedelta(seconds=7)
    assert all(wait < timedelta(hours=8) for wait in waits)
    delivery.begun_at = utcnow() - timedelta(days=3)
    make_due()
    send()
    assert (delivery.open, delivery.given_up_at is not None, delivery.answer) == (False, True, "answered 500")
    receiver.answer = lambda _: 200
    make_callback(make_account(shop), message(order))
    process()
    make_due()
    send()
    assert kinds(receiver)[-1] == ("251123-1", "opened")
    assert Delivery.send_all_again(delivery.endpoint_id, utcnow()) == 1
    send()
    assert kinds(receiver)[-1] == ("251123-1", "created")
    assert (delivery.given_up_at, delivery.delivered_at is not None) == (None, True)


@pytest.mark.usefixtures("secret")
def test_what_is_sent_again_keeps_its_name(shop: Shop, receiver: Receiver) -> None:
    make_order(shop)
    send()
    delivery = db.session.scalars(select(Delivery)).one()
    delivery.send_again(utcnow())
    send()
    first, second = (received.headers["webhook-id"] for received in receiver.received)
    assert first == second == delivery.name


def test_several_secrets_sign_while_one_takes_over_from_another(shop: Shop, secret: str, receiver: Receiver) -> None:
    newer = SigningSecret.make(shop.id, Purpose.endpoint, former_end=utcnow() + timedelta(hours=1))
    make_order(shop)
    send()
    received = receiver.received[0]
    for key in (secret, newer):
        Webhook(key).verify(received.body, received.headers)
    former = SigningSecret.of(shop.id, Purpose.endpoint)[1]
    former.ends_at = utcnow()
    make_order(shop)
    send()
    received = receiver.received[1]
    Webhook(newer).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body, received.headers)


def test_without_a_secret_nothing_is_sent(shop: Shop, receiver: Receiver) -> None:
    Endpoint.add(shop.id, receiver.url)
    make_order(shop)
    send()
    delivery = db.session.scalars(select(Delivery)).one()
    assert (receiver.received, delivery.answer) == ([], "there is no signing secret in use")


@pytest.mark.usefixtures("secret")
def test_a_private_address_is_not_called(
    app: Flask, monkeypatch: pytest.MonkeyPatch, shop: Shop, receiver: Receiver
) -> None:
    monkeypatch.setitem(app.extensions, "outgoing", Outgoing(allow_http=True))
    make_order(shop)
    send()
    delivery = db.session.scalars(select(Delivery)).one()
    assert (receiver.received, delivery.answer) == ([], "it lies in a private network")


@pytest.mark.usefixtures("secret")
def test_what_happens_while_it_is_switched_off_is_sent_when_it_is_on_again(shop: Shop, receiver: Receiver) -> None:
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    endpoint.disable()
    make_order(shop, "meanwhile")
    send()
    assert receiver.received == []
    endpoint.enable()
    send()
    assert kinds(receiver) == [("meanwhile", "created")]


@pytest.mark.usefixtures("secret")
def test_what_waited_while_it_was_switched_off_has_all_its_time_again(shop: Shop, receiver: Receiver) -> None:
    make_order(shop, "before")
    receiver.answer = lambda _: 503
    send()
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    endpoint.disable()
    db.session.execute(update(Delivery).values(begun_at=utcnow() - timedelta(days=4)))
    endpoint.enable()
    send()
    delivery = db.session.scalars(select(Delivery)).one()
    assert (len(receiver.received), delivery.open, delivery.tries) == (2, True, 1)


@pytest.mark.usefixtures("secret")
def test_a_bell_rings_for_changes_that_are_followed_and_for_no_others(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(app.extensions["bell"], "ring", rung.append)
    make_order(make_shop())
    assert rung == []
    make_order(shop)
    assert rung == [Lane.outgoing]
    make_callback(make_account(shop), message(make_order(shop)))
    rung.clear()
    process()
    assert Lane.outgoing in rung


@pytest.mark.usefixtures("secret")
def test_a_killed_workers_deliveries_are_soon_anybodys(shop: Shop, receiver: Receiver) -> None:
    make_order(shop)
    from shopcallbacks.outgoing import parcels

    parcels.spread()
    taken = parcels.take(10, 10, seconds=20)
    db.session.commit()
    assert len(taken) == 1
    send()
    assert receiver.received == [], "they are leased"
    db.session.execute(update(Delivery).values(leased_until=utcnow() - timedelta(seconds=1)))
    send()
    assert len(receiver.received) == 1
    parcels.note(taken[0], parcels.Receipt(False, "too late"))
    db.session.commit()
    assert db.session.scalars(select(Delivery)).one().answer == "answered 204", "the late one is not heard"


@pytest.mark.usefixtures("secret")
def test_a_sweep_finds_what_no_bell_told_of(app: Flask, shop: Shop, receiver: Receiver) -> None:
    make_order(shop)
    jobs.sweep_outgoing()
    assert len(receiver.received) == 1


def test_connecting_does_not_move_the_feed(shop: Shop, receiver: Receiver) -> None:
    make_order(shop)
    before = db.session.get_one(Feed, shop.id).position
    Endpoint.add(shop.id, receiver.url)
    db.session.commit()
    assert db.session.get_one(Feed, shop.id, populate_existing=True).position == before


def test_the_receiver_notes_what_came(receiver: Receiver) -> None:
    Outgoing(True, True).post(receiver.url, {}, b"x")
    assert isinstance(receiver.received[0], Received)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("table", ["deliveries", "signing_secrets"])
def test_what_was_sent_and_how_it_was_signed_is_kept(shop: Shop, table: str) -> None:
    make_order(shop)
    send()
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(f"DELETE FROM {table}"))
