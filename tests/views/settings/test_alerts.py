"""Settings > Alerts: what is wanted, where it goes, and a test of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks import jobs
from shopcallbacks.config import SmtpServer
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.alerts import watch
from shopcallbacks.outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules, Style
from shopcallbacks.outgoing.alerts.texts import Text
from shopcallbacks.outgoing.mail import Mailer
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_shop, make_user
from ...receiver import MailBox, Receiver, mail_server

WANTED = {
    "recipients": "dana@shop.example, max@shop.example",
    "waiting": "1",
    "many": "20",
    "money": "1,000.50",
    "currency": "eur",
    "old_minutes": "90",
    "digest_hours": "4",
    "handover_hour": "7",
}


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


@pytest.fixture
def admin(client: FlaskClient, shop: Shop) -> FlaskClient:
    return log_in(client, make_user(Role.owner))


@pytest.fixture
def box(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBox]:
    with mail_server() as found:
        monkeypatch.setitem(app.extensions, "mailer", Mailer(SmtpServer.read(found.url), "alerts@shop.example"))
        yield found


def test_what_an_admin_wants_is_kept_and_shown(admin: FlaskClient, shop: Shop) -> None:
    assert admin.post("/settings/alerts", data=WANTED).status_code == 303
    rules = AlertRules.read(shop.id)
    assert rules.addresses == ["dana@shop.example", "max@shop.example"]
    assert (rules.waiting, rules.many, rules.money) == (True, 20, Money(100050, "EUR"))
    assert (rules.old_minutes, rules.digest_hours, rules.handover_hour) == (90, 4, 7)
    html = admin.get("/settings/alerts").text
    for value in ("dana@shop.example", 'value="20"', 'value="1000.50"', 'value="90"'):
        assert value in html
    admin.post("/settings/alerts", data={})
    db.session.expire_all()
    rules = AlertRules.read(shop.id)
    assert (rules.addresses, rules.waiting, rules.many, rules.money, rules.handover_hour) == (
        [],
        False,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipients", "dana"),
        ("recipients", "a@b.example\r\nBcc: <x@y.example>"),
        ("recipients", " ".join(f"a{n}@b.example" for n in range(11))),
        ("many", "0"),
        ("many", "-1"),
        ("many", "many"),
        ("money", "a lot"),
        ("money", "1.234"),
        ("money", "NaN"),
        ("money", "1000,50"),
        ("money", "1,00,000"),
        ("money", "1e3"),
        ("money", "1_000"),
        ("old_minutes", "999999999999"),
        ("digest_hours", "0"),
        ("handover_hour", "24"),
    ],
)
def test_a_field_that_does_not_fit_is_named_and_nothing_saved(
    admin: FlaskClient, shop: Shop, field: str, value: str
) -> None:
    response = admin.post("/settings/alerts", data={**WANTED, field: value})
    assert response.status_code == 422
    assert "Not saved yet: 1 field needs another look." in response.text
    assert f'id="{field}-problem"' in response.text
    assert AlertRules.read(shop.id).addresses == []


def test_a_webhooks_address_is_never_shown_again_and_kept_while_empty(admin: FlaskClient, shop: Shop) -> None:
    url = "https://hooks.example/services/T0/mustnotshow"
    admin.post("/settings/alerts", data={"webhook_style": "slack", "webhook": url})
    html = admin.get("/settings/alerts").text
    assert ("hooks.example" in html, "mustnotshow" in html) == (True, False)
    admin.post("/settings/alerts", data={"webhook_style": "slack", "webhook": "", "many": "3"})
    rules = db.session.get_one(AlertRules, shop.id, populate_existing=True)
    assert (rules.webhook, rules.webhook_style, rules.many) == (url, Style.slack, 3)
    admin.post("/settings/alerts", data={"webhook_style": ""})
    assert db.session.get_one(AlertRules, shop.id, populate_existing=True).webhook is None


def test_a_webhook_in_a_private_network_is_not_saved(admin: FlaskClient) -> None:
    response = admin.post("/settings/alerts", data={"webhook_style": "slack", "webhook": "https://127.0.0.1/"})
    assert (response.status_code, "private network" in response.text) == (422, True)


def test_a_signed_webhook_gets_a_secret_that_is_shown_once(admin: FlaskClient, shop: Shop) -> None:
    html = admin.post("/settings/alerts", data={"webhook_style": "signed", "webhook": "https://h.example/"}).text
    secret = SigningSecret.live(shop.id, Purpose.alerts)[0].value
    assert secret in html
    assert secret not in admin.get("/settings/alerts").text


def test_a_test_goes_the_way_of_real_ones(admin: FlaskClient, box: MailBox, receiver: Receiver) -> None:
    admin.post("/settings/alerts", data={**WANTED, "webhook_style": "slack", "webhook": receiver.url})
    assert admin.post("/settings/alerts/test").status_code == 303
    assert "On its way" in admin.get("/settings/alerts").text
    jobs.drain_outgoing()
    db.session.expire_all()
    assert sorted(letter["To"] for letter in box.letters) == ["dana@shop.example", "max@shop.example"]
    assert "sent it from the settings" in box.letters[0].get_content()
    assert len(receiver.received) == 1
    fragment = admin.get("/settings/alerts/messages", headers={"HX-Request": "true"}).text
    assert "taken by the mail server" in fragment
    assert "hx-get" not in fragment, "nothing is on its way any more"


def test_without_anybody_to_hear_it_no_test_is_made(admin: FlaskClient) -> None:
    assert admin.post("/settings/alerts/test").status_code == 303
    assert "Save an e-mail address or a webhook first." in admin.get("/settings/alerts").text
    assert db.session.scalars(select(AlertMessage)).all() == []


def test_without_a_mail_server_that_is_said(admin: FlaskClient, shop: Shop) -> None:
    admin.post("/settings/alerts", data=WANTED)
    assert "No mail server is set up" in admin.get("/settings/alerts").text
    admin.post("/settings/alerts/test")
    jobs.drain_outgoing()
    db.session.expire_all()
    message = db.session.scalars(select(AlertMessage)).first()
    assert message is not None
    assert (message.open, message.answer) == (True, "no mail server is set up (SMTP_URL)")
    assert admin.post(f"/settings/alerts/messages/{message.id}/sending").status_code == 303


@pytest.mark.parametrize("takes_out", ["gone@shop.example", "the webhook"])
def test_what_waits_for_an_address_that_is_taken_out_is_sent_no_more(
    admin: FlaskClient, shop: Shop, box: MailBox, receiver: Receiver, takes_out: str
) -> None:
    chat = {"webhook_style": "slack", "webhook": receiver.url}
    admin.post("/settings/alerts", data={"recipients": "gone@shop.example dana@shop.example", **chat})
    for kind in ("waiting", "clear"):
        watch.post(AlertRules.of(shop.id), AlertKind(kind), Text("There is news", "of your callbacks", {}))
    db.session.commit()
    if takes_out == "the webhook":
        admin.post("/settings/alerts", data={"recipients": "gone@shop.example dana@shop.example"})
    else:
        admin.post("/settings/alerts", data={"recipients": "dana@shop.example", **chat})
    while jobs.drain_outgoing():
        pass
    db.session.expire_all()
    heard = {
        message.recipient or "the webhook" for message in db.session.scalars(select(AlertMessage)) if message.tries
    }
    assert heard == {"gone@shop.example", "dana@shop.example", "the webhook"} - {takes_out}
    taken_out = "" if takes_out == "the webhook" else takes_out
    unsent = db.session.scalars(select(AlertMessage).where(AlertMessage.recipient == taken_out)).all()
    assert [(one.open, one.answer) for one in unsent] == [(False, "its address was taken out")] * 2
    unsent[0].tries = 1  # as if it had been tried before
    db.session.commit()
    admin.post(f"/settings/alerts/messages/{unsent[0].id}/sending")
    assert not unsent[0].open
    assert "its address was taken out" in admin.get("/settings/alerts").text


def test_another_shops_message_is_not_sent_again(admin: FlaskClient, client: FlaskClient, shop: Shop) -> None:
    other = make_shop("zzz")
    message = AlertMessage(shop_id=other.id, kind="test", recipient="a@b.example", subject="", text="", figures={})
    db.session.add(message)
    db.session.commit()
    admin.get(f"/?shop={shop.slug}")
    assert admin.post(f"/settings/alerts/messages/{message.id}/sending").status_code == 404


@pytest.mark.parametrize("role", [Role.viewer, Role.manager])
def test_only_admins_change_it(client: FlaskClient, shop: Shop, role: Role) -> None:
    log_in(client, make_user(role, shop))
    message = AlertMessage(shop_id=shop.id, kind="test", recipient="a@b.example", subject="", text="", figures={})
    db.session.add(message)
    db.session.commit()
    assert client.get("/settings/alerts").status_code == 200
    for path in ("", "/test", "/secrets", f"/messages/{message.id}/sending"):
        assert client.post(f"/settings/alerts{path}").status_code == 403
