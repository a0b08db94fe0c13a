"""Settings > Shop endpoint, and the order's page: connect, rotate, see and send again."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from standardwebhooks import Webhook

from shopcallbacks import jobs
from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.outgoing.deliveries import Delivery
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_order, make_shop, make_user
from ...receiver import Receiver

pytestmark = pytest.mark.usefixtures("open_way")


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def admin(client: FlaskClient, shop: Shop) -> FlaskClient:
    return log_in(client, make_user(Role.owner))


def shown_secret(html: str) -> str:
    found = re.search(r'value="(whsec_[^"]+)"', html)
    assert found is not None
    return found[1]


def test_an_admin_connects_the_shop_and_is_shown_its_secret_once(
    admin: FlaskClient, shop: Shop, receiver: Receiver
) -> None:
    assert "No endpoint yet" in admin.get("/settings/endpoint").text
    secret = shown_secret(admin.post("/settings/endpoint", data={"url": receiver.url}).text)
    assert secret not in admin.get("/settings/endpoint").text
    make_order(shop, "251123-1")
    jobs.drain_outgoing()
    assert Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)["order"] == "251123-1"
    html = admin.get("/settings/endpoint").text
    assert "All order changes are told" in html
    assert "answered 204" in html


@pytest.mark.parametrize("url", ["", "ftp://shop.example", "https://user:pw@shop.example/", "javascript:alert(1)"])
def test_an_address_that_can_not_be_called_is_not_saved(admin: FlaskClient, shop: Shop, url: str) -> None:
    response = admin.post("/settings/endpoint", data={"url": url})
    assert (response.status_code, "Not saved" in response.text) == (422, True)
    assert Endpoint.of(shop.id) is None


def test_a_private_address_is_not_saved_unless_allowed(
    app: Flask, admin: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "outgoing", Outgoing())
    response = admin.post("/settings/endpoint", data={"url": "https://10.0.0.1/hook"})
    assert (response.status_code, "private network" in response.text) == (422, True)
    assert Endpoint.of(shop.id) is None


def test_a_new_secret_takes_over_from_the_former(admin: FlaskClient, shop: Shop, receiver: Receiver) -> None:
    first = shown_secret(admin.post("/settings/endpoint", data={"url": receiver.url}).text)
    second = shown_secret(admin.post("/settings/endpoint/secrets", data={"former": "day"}).text)
    assert {secret.value for secret in SigningSecret.live(shop.id, Purpose.endpoint)} == {first, second}
    third = shown_secret(admin.post("/settings/endpoint/secrets", data={"former": "now"}).text)
    assert [secret.value for secret in SigningSecret.live(shop.id, Purpose.endpoint)] == [third]


def test_a_change_is_seen_and_sent_again_on_the_orders_page(
    app: Flask, admin: FlaskClient, shop: Shop, receiver: Receiver
) -> None:
    admin.post("/settings/endpoint", data={"url": receiver.url})
    receiver.answer = lambda _: 500
    order = make_order(shop)
    jobs.drain_outgoing()
    db.session.expire_all()
    html = admin.get(f"/orders/{order.id}").text
    assert "Not told yet: answered 500, 1 try" in re.sub(r"<[^>]+>", "", html)
    delivery = db.session.scalars(select(Delivery)).one()
    receiver.answer = lambda _: 200
    response = admin.post(f"/deliveries/{delivery.id}/sending", data={"back": f"/orders/{order.id}#told"})
    assert (response.status_code, response.location) == (303, f"/orders/{order.id}#told")
    jobs.drain_outgoing()
    db.session.expire_all()
    assert "Told" in admin.get(f"/deliveries/{delivery.id}", headers={"HX-Request": "true"}).text
    fragment = admin.post(f"/deliveries/{delivery.id}/sending", headers={"HX-Request": "true"}).text
    assert "Being sent again" in fragment
    assert "<html" not in fragment


def test_what_was_given_up_is_sent_again_all_at_once(admin: FlaskClient, shop: Shop, receiver: Receiver) -> None:
    admin.post("/settings/endpoint", data={"url": receiver.url})
    for _ in range(3):
        make_order(shop)
    from shopcallbacks.outgoing import parcels

    parcels.spread()
    for delivery in db.session.scalars(select(Delivery)):
        delivery.next_try_at, delivery.given_up_at = None, utcnow()
    db.session.commit()
    assert "Send all 3 again" in admin.get("/settings/endpoint?part=given_up").text
    assert admin.post("/settings/endpoint/given-up").status_code == 303
    jobs.drain_outgoing()
    assert len(receiver.received) == 3


def test_it_is_switched_off_and_on(admin: FlaskClient, shop: Shop, receiver: Receiver) -> None:
    admin.post("/settings/endpoint", data={"url": receiver.url})
    admin.post("/settings/endpoint/suspension")
    make_order(shop)
    jobs.drain_outgoing()
    assert receiver.received == []
    assert "Switched off since" in admin.get("/settings/endpoint").text
    admin.post("/settings/endpoint/resumption")
    jobs.drain_outgoing()
    assert len(receiver.received) == 1


@pytest.mark.parametrize("role", [Role.viewer, Role.manager])
def test_only_admins_set_it_up_and_see_the_whole_address(client: FlaskClient, shop: Shop, role: Role) -> None:
    Endpoint.add(shop.id, "https://shop.example/hook?token=mustnotshow")
    db.session.commit()
    log_in(client, make_user(role, shop))
    html = client.get("/settings/endpoint").text
    assert ("shop.example" in html, "mustnotshow" in html) == (True, False)
    for path in ("", "/secrets", "/suspension", "/resumption"):
        assert client.post(f"/settings/endpoint{path}", data={"url": "https://x.example"}).status_code == 403
    assert client.post("/settings/endpoint/given-up").status_code == (403 if role is Role.viewer else 303)


def test_another_shops_delivery_is_not_there(client: FlaskClient, shop: Shop) -> None:
    Endpoint.add(shop.id, "https://shop.example/")
    make_order(shop)
    from shopcallbacks.outgoing import parcels

    parcels.spread()
    db.session.commit()
    delivery = db.session.scalars(select(Delivery)).one()
    log_in(client, make_user(Role.manager, make_shop()))
    assert client.post(f"/deliveries/{delivery.id}/sending").status_code == 404
    assert client.get(f"/deliveries/{delivery.id}").status_code == 404


def test_a_test_event_is_sent_at_once_signed_and_of_no_order(
    admin: FlaskClient, shop: Shop, receiver: Receiver
) -> None:
    secret = shown_secret(admin.post("/settings/endpoint", data={"url": receiver.url}).text)
    assert admin.post("/settings/endpoint/test").status_code == 303
    assert "The test event arrived: 127.0.0.1" in admin.get("/settings/endpoint").text
    (received,) = receiver.received
    said = Webhook(secret).verify(received.body, received.headers)
    assert (said["kind"], said["order"], said["position"]) == ("test", "TEST", "0")
    make_order(shop, "251123-1")
    jobs.drain_outgoing()
    real = Webhook(secret).verify(receiver.received[1].body, receiver.received[1].headers)
    assert real.keys() == said.keys(), "in the shape of all others"
    assert OrderEvent.after(shop.id, 0, 10)[0].number == "251123-1", "it stands in no feed"


def test_what_became_of_a_test_event_is_said_and_kept(admin: FlaskClient, shop: Shop, receiver: Receiver) -> None:
    admin.post("/settings/endpoint", data={"url": receiver.url})
    receiver.answer = lambda _: 500
    admin.post("/settings/endpoint/test")
    assert "The test event did not arrive: answered 500." in admin.get("/settings/endpoint").text
    act = db.session.scalars(select(Activity).where(Activity.verb == "test event")).one()
    assert act.what.endswith(": answered 500")
    endpoint = Endpoint.of(shop.id)
    assert endpoint is not None
    assert endpoint.failures == 0, "a test that fails holds nothing up"


@pytest.mark.parametrize("url", ["http://localhost:5001/order-changes", "https://10.0.0.7/order-changes"])
def test_of_a_local_endpoint_the_settings_that_allow_it_are_named(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setitem(app.extensions, "outgoing", Outgoing())
    html = admin.post("/settings/endpoint", data={"url": url}).text
    assert "OUTGOING_ALLOW_HTTP=1" in html
    assert "OUTGOING_ALLOW_PRIVATE=1" in html
    assert "OUTGOING_ALLOW" not in admin.post("/settings/endpoint", data={"url": "https://user:pw@x.example/"}).text


def test_only_admins_send_a_test_event(client: FlaskClient, shop: Shop) -> None:
    assert log_in(client, make_user(Role.manager, shop)).post("/settings/endpoint/test").status_code == 403
