"""A shop on a bad night: something to see on every screen. Made in this process, so that nothing moves by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pyotp
from sqlalchemy import text, update

from shopcallbacks import jobs
from shopcallbacks.bulk.runs import BulkRun
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks.claims import Claim
from shopcallbacks.callbacks.notes import Note
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Lane, Verb
from shopcallbacks.domain.values import Money, Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.outgoing import trial
from shopcallbacks.outgoing.alerts.rules import AlertRules
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shops import people
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop
from shopcallbacks.shops.second_factor import SecondFactor
from shopcallbacks.shops.users import Role, User
from tests.factories import make_account, make_callback, make_order, make_shop, make_user, message, process, request_for
from tests.processing.saying import Saying, say
from tests.receiver import http_receiver

ADMIN, VIEWER, CAREFUL = "admin@shop.example", "viewer@shop.example", "careful@shop.example"


def bad_night() -> dict[str, int]:
    """What addresses of screens are made of: the ids of one of each kind."""
    shop = make_shop("night")
    shop.payment_reopens = False  # so that a payment after a failed try waits for a person
    admin = make_user(Role.owner, email=ADMIN)
    viewer = make_user(Role.viewer, shop, email=VIEWER)
    _calm_shop()
    make_shop("new-shop")
    with http_receiver() as receiver:
        _tell(shop, receiver.url)
        found = _callbacks(shop, admin)
        jobs.sweep_outgoing()
    make_order(shop)
    jobs.drain_outgoing()  # in vain: nobody listens any more
    return found | _runs(shop, admin) | _test(found["account"], admin) | {"viewer": viewer.id}


def links() -> dict[str, str]:
    """The paths of an invitation and of a link for a new password; and somebody has a second factor."""
    shop = Shop.by_slug("night")
    careful, secret = make_user(Role.viewer, email=CAREFUL), pyotp.random_base32()
    assert SecondFactor.begin(careful, secret, pyotp.TOTP(secret).now()) is not None
    invitation = people.invite(None, "invited@shop.example", Role.manager, shop).address()
    found = {"invitation": invitation, "password": people.password_link(None, careful)}
    db.session.commit()
    return {name: address.split("/", 3)[3] for name, address in found.items()}


def worker_seen(minutes_ago: int) -> None:
    for lane in (Lane.plain, Lane.asking):
        Pulse.beat(lane)
    db.session.execute(update(Pulse).values(seen_at=utcnow() - timedelta(minutes=minutes_ago)))
    db.session.commit()


def _calm_shop() -> None:
    shop = make_shop("calm")
    make_callback(make_account(shop), message(make_order(shop)))
    process()


def _callbacks(shop: Shop, admin: User) -> dict[str, int]:
    stripe = make_account(shop, slug="stripe")
    paypal = make_account(
        shop, "paypal_ipn", "paypal", receiver_emails=["a@shop.example"], environment="live", order_field="invoice"
    )
    adyen = make_account(shop, "adyen", "adyen", hmac_keys=["ab" * 32], merchant_accounts=["M"])
    liqpay = make_account(shop, "liqpay", "liqpay", public_key="i12345678901", private_keys=["a private key"])
    forger = make_account(make_shop(), signing_secrets=["whsec_forged"])
    gone, paid = make_order(shop), make_order(shop, customer_email="anna.weiss@customers.example")
    said = {
        "processed": (liqpay, message(paid)),
        "gone": (stripe, message(gone, Outcome.cancelled)),
        "amount": (stripe, message(make_order(shop), money=Money(599, "EUR"))),
        "currency": (stripe, message(make_order(shop), money=Money(5990, "USD"))),
        "forged": (stripe, request_for(forger, message(make_order(shop)))),
        "invalid": (stripe, request_for(forger, message(make_order(shop)))),
        "asked": (paypal, message(make_order(shop))),
        "waiting": (stripe, message("251123-nowhere")),
        "unreadable": (paypal, Request("POST", "/", b"", (), b"\x89PNG\r\n\x1a\n\x00", "", utcnow())),
        "form": (liqpay, replace(request_for(liqpay, message(make_order(shop))), query=b"from=liqpay&from=twice")),
        "several": (adyen, _several(adyen, shop)),
    }
    made = {name: make_callback(account, what) for name, (account, what) in said.items()}
    process()
    made["conflict"] = make_callback(stripe, message(gone))
    made["owed"] = make_callback(stripe, message(gone))
    made["refund"] = make_callback(liqpay, message(paid, Outcome.refunded))
    process()
    made["back"] = make_callback(stripe, request_for(forger, message(make_order(shop))))
    process()
    made["owed"].do(Verb.owe, admin, "sold out")
    process()
    Claim.take(made["conflict"], admin)
    Note.write(made["conflict"], admin, "She called: she still wants it.")
    for name in ("invalid", "back"):
        made[name].do(Verb.remove, admin, "a test of the old shop")
    money = _money(shop, stripe)
    off = make_account(shop, slug="stripe-old")
    off.disable()
    db.session.commit()
    testing = make_account(shop, slug="stripe-test", mode=Mode.test, signing_secrets=["whsec_of_the_test_mode"])
    others = {"order": paid.id, "owing": gone.id, "account": stripe.id, "off": off.id, "testing": testing.id}
    others["decide"] = made["amount"].order_id or 0
    return {name: callback.id for name, callback in made.items()} | others | money


def _money(shop: Shop, account: GatewayAccount) -> dict[str, int]:
    """Orders with all that can come of money. The account says for once whatever a message can."""
    shop.parts, shop.refusal_cancels_after = True, 3600
    orders = {name: make_order(shop, customer_email="ben@customers.example") for name in ("part", "disputed", "held")}
    part, disputed, held = orders.values()
    untold = make_order(shop)
    with patch.dict(GATEWAYS, {account.gateway_name: Saying()}):
        for said in (
            message(part, transaction_id="pi_part", money=Money(1990, "EUR")),
            message(part, Outcome.pending, transaction_id="pi_a_try_with_a_very_long_transaction_id_0123456789"),
            message(part, transaction_id="pi_usd", money=Money(4400, "USD")),
            message(disputed, transaction_id="pi_disputed"),
            message(disputed, Outcome.refunded, transaction_id="pi_disputed", movement="re_1", money=Money(990, "EUR")),
            message(disputed, Outcome.disputed, transaction_id="pi_disputed", answer_by=utcnow() + timedelta(days=2)),
            message(held, Outcome.failed, transaction_id="pi_refused"),
            message(untold, Outcome.refunded, transaction_id="pi_never_told"),
        ):
            say(account, said)
            process()
    part.changed_at -= timedelta(days=9)
    db.session.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
    a_day = update(LedgerRow).where(LedgerRow.order_id == untold.id)
    db.session.execute(a_day.values(booked_at=LedgerRow.booked_at - timedelta(days=2)))
    db.session.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))
    shop.parts, shop.refusal_cancels_after = False, 0
    db.session.commit()
    return {name: order.id for name, order in orders.items()}


def _several(adyen: GatewayAccount, shop: Shop) -> Request:
    requests = [request_for(adyen, message(make_order(shop))), request_for(adyen, message("251123-nowhere"))]
    bodies = [json.loads(request.body) for request in requests]
    items = [item for body in bodies for item in body["notificationItems"]]
    return replace(requests[0], body=json.dumps({**bodies[0], "notificationItems": items}).encode())


def _runs(shop: Shop, admin: User) -> dict[str, int]:
    """A receipt, and one that would be running if there were a worker."""
    forged = Selection(Filter.read([("reason", "not_genuine"), ("account", "stripe")]).at(shop))
    receipt = BulkRun.start(shop, admin, Verb.retry, forged, "seen at the bank")
    db.session.commit()
    while jobs.bulk() or BulkRun.any_open():
        process()
    running = BulkRun.start(shop, admin, Verb.retry, Selection(Filter().at(shop)), "")
    paused = BulkRun.start(shop, admin, Verb.retry, forged, "")
    paused.pause(admin)
    db.session.commit()
    return {"receipt": receipt.id, "running": running.id, "paused": paused.id}


def _tell(shop: Shop, url: str) -> None:
    """Its endpoint, and its alerts by e-mail; there is no mail server."""
    Endpoint.add(shop.id, url)
    SigningSecret.make(shop.id, Purpose.endpoint)
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", True
    db.session.commit()


def _test(account_id: int, admin: User) -> dict[str, int]:
    """A test callback, sent to the running site."""
    account = db.session.get_one(GatewayAccount, account_id)
    prepared = trial.prepare(account, utcnow())
    order = trial.make_order(account, prepared)
    db.session.commit()
    id_, said = trial.record(account, order, trial.send(prepared), admin)
    assert id_ is not None, said
    db.session.commit()
    process()
    at_work = make_callback(account, message("251123-at-work"))
    process()
    at_work.do(Verb.retry, admin)
    db.session.commit()
    return {"test": id_}
