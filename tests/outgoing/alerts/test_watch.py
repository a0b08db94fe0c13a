"""Alerts: one for each change, a calm digest, a daily hand-over; by e-mail and by webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from standardwebhooks import Webhook

from shopcallbacks import jobs
from shopcallbacks.clock import utcnow
from shopcallbacks.config import SmtpServer
from shopcallbacks.dashboard import glance, queue, second_person
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing.alerts import handover, rules, watch
from shopcallbacks.outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules, FloodTold, Style
from shopcallbacks.outgoing.mail import Mailer
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import OrderRules
from shopcallbacks.shops.users import Role

from ...factories import make_account, make_callback, make_order, make_user, message, process, request_for
from ...processing.saying import say
from ...receiver import MailBox, Receiver, mail_server

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account()


@pytest.fixture
def shop(account: GatewayAccount) -> Shop:
    return account.shop


def rules_of(shop: Shop, **wanted: object) -> AlertRules:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", False
    for name, value in wanted.items():
        setattr(rules, name, value)
    db.session.commit()
    return rules


def fail_one(account: GatewayAccount, minor: int = 5990, ago: timedelta = timedelta()) -> None:
    """One more that needs a person: its amount differs from its order's."""
    order = make_order(account.shop, minor=minor)
    make_callback(account, message(order, money=Money(1, "EUR")), utcnow() - ago)
    process()


def clear(shop: Shop) -> None:
    from shopcallbacks.callbacks.callback import Callback

    for callback in db.session.scalars(select(Callback).where(queue.needs_a_person(shop.id, utcnow()))):
        callback.do(Verb.remove, None, "seen to")
    db.session.commit()


def look(shop: Shop, later: timedelta = timedelta()) -> list[AlertKind]:
    """Looks as if it were so much later. What was told."""
    before = db.session.scalar(select(AlertMessage.id).order_by(AlertMessage.id.desc()).limit(1)) or 0
    now = utcnow() + later
    watch.tell(AlertRules.of(shop.id), glance.summary(shop.id, now))
    db.session.commit()
    return list(db.session.scalars(select(AlertMessage.kind).where(AlertMessage.id > before).order_by(AlertMessage.id)))


def test_what_comes_while_the_figures_are_read_is_told_with_its_money_at_the_next_look(
    app: Flask, account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules_of(shop, waiting=True)
    glanced = glance.look

    def comes_after(*args: Any) -> glance.Glance:
        read = glanced(*args)
        with app.app_context():
            fail_one(db.session.get_one(GatewayAccount, account.id))
        return read

    with monkeypatch.context() as patch:
        patch.setattr(glance, "look", comes_after)
        jobs.sweep_outgoing()
    assert db.session.scalars(select(AlertMessage.subject)).all() == []
    db.session.execute(update(AlertRules).values(looked_at=None))
    db.session.commit()
    jobs.sweep_outgoing()
    told = db.session.scalars(select(AlertMessage.subject)).all()
    assert told == [f"[{shop.name}] 1 callback needs a person, 59.90 EUR"]


def test_a_round_looks_at_each_shop_once_however_long_it_takes(
    account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_account().shop
    for one in (shop, other):
        rules_of(one, waiting=True)
    looked: list[int] = []
    monkeypatch.setattr(rules, "LOOK_AGAIN", timedelta(0))  # as if each look took as long as that
    monkeypatch.setattr(watch, "tell", lambda of, *_: looked.append(of.shop_id))
    jobs.sweep_outgoing()
    assert sorted(looked) == sorted([shop.id, other.id])


def test_a_queue_that_becomes_non_empty_is_told_once(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True)
    assert look(shop) == []
    fail_one(account)
    assert look(shop) == [AlertKind.waiting]
    fail_one(account)
    assert look(shop) == []
    clear(shop)
    assert look(shop) == [AlertKind.clear]
    assert look(shop) == []


def test_a_queue_that_goes_to_and_fro_makes_no_storm(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True)
    told = []
    for minute in range(14):
        fail_one(account)
        told += look(shop, timedelta(minutes=minute))
        clear(shop)
        told += look(shop, timedelta(minutes=minute))
    assert told == [AlertKind.waiting, AlertKind.clear]
    fail_one(account)
    assert look(shop, timedelta(minutes=16)) == [AlertKind.waiting]


def test_what_grows_past_a_number_is_told_once(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, many=2)
    told = []
    for _ in range(4):
        fail_one(account)
        told.append(look(shop))
    assert told == [[], [], [AlertKind.many], []]


def test_the_orders_money_past_a_sum_is_told_in_its_own_currency(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, money=Money(10000, "USD"))
    fail_one(account, 99999)
    assert look(shop) == []
    rules_of(shop, money=Money(10000, "EUR"))
    assert look(shop) == [AlertKind.money]
    message = db.session.scalars(select(AlertMessage)).one()
    assert "999.99 EUR" in message.subject


def test_one_that_waits_too_long_is_told_once(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, old_minutes=60)
    fail_one(account)
    assert look(shop, timedelta(minutes=59)) == []
    assert look(shop, timedelta(minutes=61)) == [AlertKind.old]
    assert look(shop, timedelta(hours=5)) == []


def test_a_digest_comes_while_callbacks_wait_and_never_of_an_empty_queue(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True, digest_hours=4)
    assert look(shop, timedelta(hours=9)) == []
    fail_one(account)
    assert look(shop) == [AlertKind.waiting]
    assert look(shop, timedelta(hours=3)) == []
    assert look(shop, timedelta(hours=4, minutes=1)) == [AlertKind.digest]
    assert look(shop, timedelta(hours=7)) == []
    assert look(shop, timedelta(hours=9)) == [AlertKind.digest]


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 12), ("Europe/Vienna", 13), ("America/New_York", 7)])
def test_a_hand_over_comes_once_a_day_at_the_shops_own_hour(shop: Shop, zone: str, hours: int) -> None:
    shop.time_zone = zone
    rules = rules_of(shop, handover_hour=hours)

    def due(at: datetime) -> bool:
        return watch.handover_is_due(rules, at)

    assert [due(NOON - timedelta(minutes=1)), due(NOON), due(NOON), due(NOON + timedelta(hours=3))] == [
        False,
        True,
        False,
        False,
    ]
    assert [due(NOON + timedelta(hours=23, minutes=59)), due(NOON + timedelta(hours=24))] == [False, True]


def test_a_hand_over_tells_what_came_what_waits_and_who_did_what(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, handover_hour=0)
    fail_one(account)
    make_callback(account, message(make_order(shop)))
    process()
    for _ in range(2):
        Activity.record("retry", make_user(email=f"m{_}@shop.example"), shop_id=shop.id)
    db.session.commit()
    assert look(shop) == [AlertKind.handover]
    text = db.session.scalars(select(AlertMessage)).one().text
    assert "2 callbacks came in: 1 processed, 1 unprocessed." in text
    assert "1 callback needs a person, 59.90 EUR" in text
    assert "- Manager Person retried (2 times)" in text


@pytest.mark.parametrize(("day", "hours"), [(25, 25), (26, 24)])
def test_a_hand_over_tells_of_the_hour_more_where_the_clock_was_set_back(shop: Shop, day: int, hours: int) -> None:
    shop.time_zone = "Europe/Vienna"
    now = datetime(2026, 10, day, 12, tzinfo=UTC)
    assert now - handover.day_before(shop, now).since == timedelta(hours=hours)


def test_each_address_gets_the_widgets_figures(app: Flask, account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True, recipients="dana@shop.example\nmax@shop.example")
    fail_one(account)
    look(shop)
    one, other = db.session.scalars(select(AlertMessage).order_by(AlertMessage.id))
    assert {one.recipient, other.recipient} == {"dana@shop.example", "max@shop.example"}
    assert one.subject == f"[{shop.name}] 1 callback needs a person, 59.90 EUR"
    assert "- 1 x Amount differs from the order, 59.90 EUR" in one.text
    assert f"{app.config['PUBLIC_URL']}/?shop={shop.slug}" in one.text
    assert (one.figures["count"], one.figures["at_stake"]) == (1, [{"amount": "59.90", "currency": "EUR"}])


def test_a_shop_is_looked_at_by_the_sweep_and_not_all_the_time(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True)
    fail_one(account)
    assert watch.look()
    db.session.commit()
    assert not watch.look()
    assert db.session.scalars(select(AlertMessage)).one().kind is AlertKind.waiting


@pytest.fixture
def box(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBox]:
    with mail_server() as found:
        monkeypatch.setitem(app.extensions, "mailer", Mailer(SmtpServer.read(found.url), "alerts@shop.example"))
        yield found


def test_the_worker_delivers_and_tries_again(account: GatewayAccount, shop: Shop, box: MailBox) -> None:
    rules_of(shop, waiting=True)
    fail_one(account)
    box.refuses = b"450 later"
    jobs.sweep_outgoing()
    message = db.session.scalars(select(AlertMessage)).one()
    assert (box.letters, message.open, message.tries, message.answer) == (
        [],
        True,
        1,
        "the mail server refused the address",
    )
    box.refuses = b""
    db.session.execute(update(AlertMessage).values(next_try_at=utcnow()))
    db.session.commit()
    jobs.sweep_outgoing()
    db.session.expire_all()
    assert (len(box.letters), message.open, message.answer) == (1, False, "taken by the mail server")
    assert box.letters[0]["Message-ID"].startswith(f"<alert_{message.id}@")


def send() -> None:
    while jobs.drain_outgoing():
        pass
    db.session.expire_all()


def test_after_an_outage_alerts_arrive_in_their_order_each_with_its_own_time(
    account: GatewayAccount, shop: Shop, box: MailBox
) -> None:
    rules_of(shop, waiting=True)
    fail_one(account)
    look(shop)
    box.refuses = b"450 later"
    send()
    message = db.session.scalars(select(AlertMessage)).one()
    message.made_at = message.made_at.replace(microsecond=0) - timedelta(hours=3)
    clear(shop)
    look(shop)
    box.refuses = b""
    send()
    assert ["empty again" in letter["Subject"] for letter in box.letters] == [False, True]
    assert box.letters[0]["Date"].datetime == message.made_at


def test_an_address_that_takes_nothing_holds_up_no_other_and_its_own_not_for_ever(
    account: GatewayAccount, shop: Shop, box: MailBox
) -> None:
    rules_of(shop, waiting=True)
    fail_one(account)
    look(shop)
    box.refuses = b"450 later"
    send()
    rules_of(shop, waiting=True, recipients="dana@shop.example\nmax@shop.example")
    clear(shop)
    look(shop)
    send()
    first, second, others = db.session.scalars(select(AlertMessage).order_by(AlertMessage.id))
    assert (first.tries, second.tries, others.tries) == (1, 0, 1)
    first.begun_at -= AlertMessage.KEEP_TRYING
    first.next_try_at = utcnow()
    db.session.commit()
    send()
    assert (first.open, second.open, second.tries) == (False, True, 1)


def test_a_webhook_is_signed_and_holds_all_figures(account: GatewayAccount, shop: Shop, receiver: Receiver) -> None:
    secret = SigningSecret.make(shop.id, Purpose.alerts)
    rules_of(shop, waiting=True, recipients="", webhook=receiver.url, webhook_style=Style.signed)
    fail_one(account)
    jobs.sweep_outgoing()
    said = Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    assert (said["kind"], said["shop"], said["count"]) == ("waiting", shop.slug, 1)
    assert "needs a person" in said["text"]


def test_slack_gets_a_text_and_no_more(account: GatewayAccount, shop: Shop, receiver: Receiver) -> None:
    shop.name = "Toys & <b>"
    rules_of(shop, waiting=True, recipients="", webhook=receiver.url, webhook_style=Style.slack)
    fail_one(account)
    jobs.sweep_outgoing()
    said = json.loads(receiver.received[0].body)
    assert list(said) == ["text", "mrkdwn"]
    assert said["text"].startswith("[Toys &amp; &lt;b&gt;] 1 callback needs a person")
    assert said["mrkdwn"] is False


@pytest.mark.parametrize("style", [Style.discord, Style.teams])
def test_other_chats_get_the_same_text_as_they_want_it(
    account: GatewayAccount, shop: Shop, receiver: Receiver, style: Style
) -> None:
    rules_of(shop, waiting=True, recipients="", webhook=receiver.url, webhook_style=style)
    fail_one(account)
    jobs.sweep_outgoing()
    said = json.loads(receiver.received[0].body)
    headline = f"[{shop.name}] 1 callback needs a person, 59.90 EUR"
    if style is Style.discord:
        assert said["content"].startswith(headline)
        assert said["allowed_mentions"] == {"parse": []}
    else:
        (card,) = said["attachments"]
        assert (said["type"], card["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
        assert card["content"]["body"][0]["text"] == headline
        assert all(block["wrap"] for block in card["content"]["body"])


def test_a_second_person_who_is_asked_to_force_is_told_once(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop)
    shop.order_rules = OrderRules(force_limit=Money(1000, "EUR"))
    forger = make_account(signing_secrets=["whsec_forged"])
    order = make_order(shop)
    callback = make_callback(account, request_for(forger, message(order)))
    process()
    dana, second = make_user(Role.manager, shop), make_user(Role.manager, shop)
    assert look(shop) == []
    callback.do(Verb.force, dana, "seen")
    db.session.commit()
    assert look(shop) == [AlertKind.second]
    assert look(shop) == []
    said = db.session.scalars(select(AlertMessage).where(AlertMessage.kind == AlertKind.second)).one()
    assert said.subject == f"[{shop.name}] A second person is asked to force 1 callback"
    assert f"order {order.number}, 59.90 EUR: Manager Person asks" in said.text
    assert f"/callbacks/{callback.id}" in said.text
    callback.do(Verb.remove, second, "fake")
    callback.do(Verb.restore, second)
    callback.do(Verb.force, second, "seen after all")
    db.session.commit()
    assert look(shop) == [AlertKind.second]
    rules_of(shop, seconds=False)
    callback.do(Verb.remove, dana, "fake")
    callback.do(Verb.restore, dana)
    callback.do(Verb.force, dana, "seen once more")
    db.session.commit()
    assert look(shop) == []


def test_who_asks_a_second_person_is_told_however_many_were_asked_before(
    account: GatewayAccount, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_person, "MOST", 1)
    rules_of(shop)
    shop.order_rules = OrderRules(force_limit=Money(1000, "EUR"))
    forger, dana = make_account(signing_secrets=["whsec_forged"]), make_user(Role.manager, shop)
    asked = [make_callback(account, request_for(forger, message(make_order(shop)))) for _ in range(2)]
    process()
    for callback in asked:
        callback.do(Verb.force, dana, "seen")
        db.session.commit()
        assert (look(shop), look(shop)) == ([AlertKind.second], [])


def without_order(account: GatewayAccount, number: str) -> None:
    """A callback about an order that there is not, no longer tried again by itself."""
    callback = make_callback(account, message(number))
    process()
    callback.due_at = callback.due_kind = None
    db.session.commit()


def test_what_a_customer_wrote_calls_nobody_and_leads_nowhere(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True)
    without_order(account, "<!channel> <http://evil.example|Refund here> " + 20 * "a")
    look(shop)
    text = db.session.scalars(select(AlertMessage)).one().text
    assert "1 x No such order: there is no order channel http//evil.ex…. Next: Look." in text
    assert not set("<>|!@") & set(text)


def test_a_card_number_is_in_no_alert(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True)
    without_order(account, "5500005555555559")
    look(shop)
    told = db.session.scalars(select(AlertMessage)).one()
    assert "there is no order 5559" in told.text
    assert "550000" not in f"{told.subject} {told.text} {told.figures}"


def test_a_webhook_in_a_private_network_is_not_called(account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, waiting=True, recipients="", webhook="https://169.254.169.254/x", webhook_style=Style.slack)
    fail_one(account)
    jobs.sweep_outgoing()
    assert db.session.scalars(select(AlertMessage)).one().answer == "it lies in a private network"


def test_the_webhooks_address_is_encrypted(shop: Shop) -> None:
    rules = rules_of(shop, webhook="https://hooks.example/services/T0/secret", webhook_style=Style.slack)
    assert b"secret" not in (rules.webhook_sealed or b"")
    assert (rules.webhook_host, rules.webhook) == ("hooks.example", "https://hooks.example/services/T0/secret")


# Disputes


@pytest.fixture
def disputing(saying: None, shop: Shop) -> GatewayAccount:
    """An account whose payments are disputed."""
    rules_of(shop)
    account = GatewayAccount.add(shop, "saying", "saying", {})
    db.session.commit()
    return account


def dispute(account: GatewayAccount, number: str, answer_by: datetime | date | None = None) -> None:
    if Order.find(account.shop_id, number) is None:
        say(account, message(make_order(account.shop, number), transaction_id=f"pi_{number}"))
    said = message(number, Outcome.disputed, transaction_id=f"pi_{number}", money=None, answer_by=answer_by)
    say(account, said)
    process()


def last() -> AlertMessage:
    found = db.session.scalar(select(AlertMessage).order_by(AlertMessage.id.desc()).limit(1))
    assert found is not None
    return found


def test_a_new_dispute_is_told_once_with_its_date_and_its_order(disputing: GatewayAccount, shop: Shop) -> None:
    dispute(disputing, "26", date(2099, 12, 3))
    assert look(shop) == [AlertKind.disputed]
    order = Order.find(shop.id, "26")
    assert order is not None
    assert last().subject == f"[{shop.name}] A payment of order 26 is disputed"
    assert f"- order 26, 59.90 EUR, answer until 3 Dec 2099: http://127.0.0.1:5000/orders/{order.id}" in last().text
    assert last().figures["url"].endswith(f"/orders?shop={shop.slug}&disputed=1")
    assert look(shop) == []


def test_several_new_disputes_are_one_message(disputing: GatewayAccount, shop: Shop) -> None:
    for number in range(10):
        dispute(disputing, f"26-{number}")
    assert look(shop) == [AlertKind.disputed]
    assert last().subject.endswith("10 payments are disputed")
    assert ("order 26-7" in last().text, "order 26-8" in last().text) == (True, False)
    assert "- and 2 others" in last().text


def test_that_an_answer_is_due_is_told_once_three_days_before(disputing: GatewayAccount, shop: Shop) -> None:
    dispute(disputing, "26", utcnow() + timedelta(days=10))
    assert look(shop) == [AlertKind.disputed]
    assert look(shop, timedelta(days=6)) == []
    assert look(shop, timedelta(days=8)) == [AlertKind.dispute_due]
    assert "The dispute of order 26 is to be answered until" in last().subject
    assert look(shop, timedelta(days=9)) == []


def test_a_dispute_that_is_due_when_it_comes_is_told_once(disputing: GatewayAccount, shop: Shop) -> None:
    dispute(disputing, "26", utcnow() + timedelta(days=1))
    assert (look(shop), look(shop)) == ([AlertKind.disputed], [])


def test_a_date_that_is_named_later_is_told_when_it_is_near(disputing: GatewayAccount, shop: Shop) -> None:
    dispute(disputing, "26")
    assert look(shop) == [AlertKind.disputed]
    dispute(disputing, "26", utcnow() + timedelta(days=1))
    assert (look(shop), look(shop)) == ([AlertKind.dispute_due], [])


def test_a_dispute_that_is_over_is_not_told_and_one_that_begins_anew_is(disputing: GatewayAccount, shop: Shop) -> None:
    dispute(disputing, "26", utcnow() + timedelta(days=10))
    look(shop)
    say(disputing, message("26", Outcome.chargeback_reversed, transaction_id="pi_26", money=None))
    process()
    assert look(shop, timedelta(days=8)) == []
    dispute(disputing, "26", utcnow() + timedelta(days=20))
    assert look(shop, timedelta(days=8)) == [AlertKind.disputed]


def test_whoever_does_not_want_to_hear_of_disputes_does_not(disputing: GatewayAccount, shop: Shop) -> None:
    rules_of(shop, disputes=False)
    dispute(disputing, "26", utcnow() + timedelta(days=1))
    assert look(shop) == []
    rules_of(shop, disputes=True)
    assert look(shop) == [AlertKind.disputed]


@pytest.fixture
def few(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than two in an hour are a flood."""
    monkeypatch.setitem(app.config, "NOT_GENUINE_AN_HOUR", 2)


def forge(account: GatewayAccount, count: int) -> None:
    signer = make_account(account.shop, signing_secrets=["whsec_other"])
    for _ in range(count):
        make_callback(account, request_for(signer, message("26")))
    process()


def test_a_flood_of_callbacks_that_are_not_genuine_is_told_once(few: None, account: GatewayAccount, shop: Shop) -> None:
    rules_of(shop)
    forge(account, 2)
    assert look(shop) == []
    forge(account, 1)
    assert (look(shop), look(shop), look(shop, timedelta(minutes=30))) == ([AlertKind.flood], [], [])
    assert last().subject == f"[{shop.name}] More than 2 callbacks in an hour were not genuine: {account.title}"
    assert "None of them counts, and all are kept." in last().text
    assert f"/callbacks/causes?shop={shop.slug}&account={account.slug}" in last().text


def test_a_flood_that_ebbs_and_comes_again_is_told_again_a_day_later_and_no_sooner(
    few: None, account: GatewayAccount, shop: Shop
) -> None:
    rules_of(shop)
    forge(account, 3)
    assert look(shop) == [AlertKind.flood]
    assert look(shop, timedelta(hours=2)) == []
    assert look(shop) == []
    told = db.session.get_one(FloodTold, account.id)
    told.holds, told.told_at = False, utcnow() - timedelta(days=1)
    db.session.commit()
    assert look(shop) == [AlertKind.flood]


def test_a_flood_that_comes_again_and_lasts_is_told_when_the_day_is_over(
    few: None, account: GatewayAccount, shop: Shop
) -> None:
    rules_of(shop)
    forge(account, 3)
    assert look(shop) == [AlertKind.flood]
    assert (look(shop, timedelta(hours=2)), look(shop)) == ([], [])
    db.session.get_one(FloodTold, account.id).told_at = utcnow() - timedelta(days=1)
    db.session.commit()
    assert (look(shop), look(shop)) == ([AlertKind.flood], [])


def test_genuine_callbacks_are_no_flood_and_whoever_does_not_want_to_hear_of_floods_does_not(
    few: None, account: GatewayAccount, shop: Shop
) -> None:
    rules_of(shop)
    for _ in range(3):
        make_callback(account, message(make_order(shop)))
    process()
    assert look(shop) == []
    rules_of(shop, floods=False)
    forge(account, 3)
    assert look(shop) == []
