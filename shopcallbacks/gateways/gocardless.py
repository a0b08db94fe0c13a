"""GoCardless: deliveries of events, signed with HMAC-SHA256. https://developer.gocardless.com/api-reference/#webhooks"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Answer, Ask, Asking, Message, Money, Outcome, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import read_answer, unreachable
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, unclear, unreadable
from .kit.moments import iso
from .kit.money import hundredths, in_hundredths
from .kit.signatures import first_match, same_hex

# resource_type and action -> our word; all else is ignored
EVENTS = {
    ("payments", "confirmed"): "paid",
    ("payments", "created"): "pending",
    ("payments", "customer_approval_granted"): "pending",
    ("payments", "submitted"): "pending",
    ("payments", "resubmission_requested"): "pending",
    ("payments", "failed"): "failed",  # also late, after it was confirmed
    ("payments", "cancelled"): "cancelled",
    ("payments", "customer_approval_denied"): "cancelled",
    ("payments", "charged_back"): "charged_back",
    ("payments", "chargeback_cancelled"): "chargeback_reversed",
    ("refunds", "paid"): "refunded",
    ("refunds", "bounced"): "refund_failed",  # also after it was paid
    ("refunds", "failed"): "ignored",  # it never left; recalled
}

APIS = ("https://api.gocardless.com", "https://api-sandbox.gocardless.com")
PAYMENT_ID = re.compile(r"PM[A-Za-z0-9]{1,40}")


class GoCardless(Gateway):
    name = "gocardless"
    title = "GoCardless"
    letters = "GC"
    docs = "https://developer.gocardless.com/api-reference/#webhooks"
    payment_pages = (
        "https://manage.gocardless.com/payments/{id}",
        "https://manage-sandbox.gocardless.com/payments/{id}",
    )
    check = "HMAC-SHA256 of the raw body, in the header Webhook-Signature"
    tested = "gocardless_pro (Python), gocardless-nodejs"
    area = Area.europe
    countries = "United Kingdom, Europe, United States, Canada, Australia, New Zealand"
    steps = (
        Step(
            "In GoCardless' Dashboard, under Developers, make a webhook endpoint with this account's address.",
            "https://manage.gocardless.com/developers",
        ),
        Step(
            "Enter the endpoint's secret here.",
        ),
        Step(
            "Make a read-only access token there and enter it here: events hold no amount, and with it amount and "
            "order number are asked for.",
        ),
        Step(
            "Have your shop put the order number into the payment's metadata, under the key that is set here.",
        ),
        Step(
            "Send a test webhook from there, then make a payment in the sandbox, which has endpoints and tokens of "
            "its own.",
            "https://manage-sandbox.gocardless.com/developers",
        ),
    )
    settings = (
        Setting(
            "webhook_secrets",
            "Webhook endpoint secrets",
            Kind.secrets,
            "GoCardless Dashboard > Developers > Webhook endpoints > your endpoint > Secret.",
            required=True,
        ),
        Setting(
            "order_key",
            "Metadata key of the order number",
            Kind.text,
            "The key under which your shop puts the order number into the payment's metadata.",
            default="order_number",
        ),
        Setting(
            "access_token",
            "Access token",
            Kind.secret,
            "GoCardless Dashboard > Developers > Access tokens (read-only). Events hold no amount; with it, amount and "
            "order number are asked for.",
            live_keys=("live_",),
            test_keys=("sandbox_",),
        ),
        Setting(
            "api",
            "API address",
            Kind.choice,
            "The sandbox has access tokens of its own.",
            default=APIS[0],
            choices=APIS,
        ),
    )

    def asks(self, settings: Settings) -> bool:
        return bool(settings["access_token"])

    def key_question(self, settings: Settings) -> Ask | None:
        if not settings["access_token"]:
            return None
        return Ask("GET", f"{settings['api']}/creditors", _headers(settings))

    def verify(self, request: Request, settings: Settings) -> Verification | Asking:
        signature = request.header("Webhook-Signature")
        if signature is None:
            return Verification.not_genuine("The header Webhook-Signature is missing or came twice.")
        matched = first_match(
            settings["webhook_secrets"], lambda secret: same_hex(signature, _digest(secret, request.body))
        )
        if matched is None:
            return Verification.not_genuine("The signature fits no live secret.")
        if not self.asks(settings):
            return Verification.genuine(matched=matched)
        return _ask(_payments_to_ask_for(request.body), settings, matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            events = _read_events(request.body)
        except ReadError as error:
            return (unreadable(error),)
        payments = dig_object(evidence, "payments")
        return tuple(_message(event, payments, settings) for event in events)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        action = {
            Outcome.paid: "confirmed",
            Outcome.pending: "submitted",
            Outcome.failed: "failed",
            Outcome.cancelled: "cancelled",
            Outcome.refunded: "paid",
            Outcome.refund_failed: "bounced",
            Outcome.charged_back: "charged_back",
            Outcome.chargeback_reversed: "chargeback_cancelled",
        }.get(message.outcome)
        if action is None:
            return None
        kind = "refunds" if message.outcome in (Outcome.refunded, Outcome.refund_failed) else "payments"
        transaction = "PM" + re.sub("[^A-Z0-9]", "", (message.transaction_id or "").removeprefix("PM").upper())
        metadata = {settings["order_key"]: message.order_number}
        event = {
            "id": message.event_id,
            "created_at": at.isoformat(timespec="milliseconds"),
            "resource_type": kind,
            "action": action,
            "links": {"payment": transaction} | ({"refund": f"RF{message.event_id}"} if kind == "refunds" else {}),
            "details": {
                "origin": "gocardless",
                "cause": f"{kind.removesuffix('s')}_{action}",
                "will_attempt_retry": False,
            },
            "metadata": {},
            "resource_metadata": metadata,
        }
        body = json.dumps({"events": [event], "meta": {"webhook_id": f"WB{message.event_id}"}}).encode()
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", "gocardless-webhook-service/1.1"),
            ("Webhook-Signature", _digest(settings["webhook_secrets"][0], body).hex()),
        )
        request = Request("POST", "/", b"", headers, body, "127.0.0.1", at)
        if not self.asks(settings) or message.money is None:
            return Example(request)
        payment = {
            "id": transaction,
            "amount": in_hundredths(message.money),
            "amount_refunded": in_hundredths(message.money) if kind == "refunds" else 0,
            "currency": message.money.currency,
            "metadata": metadata,
        }
        return Example(request, (Answer(200, json.dumps({"payments": payment}).encode()),))


def _digest(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def _read_events(body: bytes) -> list[Any]:
    events = read_object(body).get("events")
    if not isinstance(events, list):
        raise ReadError("the delivery holds no list of events")
    return events


def _word(event: Any) -> str:
    kind = (text(dig(event, "resource_type")), text(dig(event, "action")))
    if kind == ("payments", "failed") and dig(event, "details", "will_attempt_retry") is True:
        return "pending"
    return EVENTS.get((kind[0] or "", kind[1] or ""), "ignored")


def _payments_to_ask_for(body: bytes) -> list[str]:
    """Each payment once, in the order of the events."""
    try:
        events = _read_events(body)
    except ReadError:
        return []  # signed but unreadable: genuine, and unclear to interpret
    named = [text(dig(event, "links", "payment")) for event in events if _word(event) != "ignored"]
    return list(dict.fromkeys(payment for payment in named if payment and PAYMENT_ID.fullmatch(payment)))


def _headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    return (
        ("Authorization", f"Bearer {settings['access_token']}"),
        ("GoCardless-Version", "2015-07-06"),
        ("Accept", "application/json"),
    )


def _ask(named: list[str], settings: Settings, matched: int) -> Asking:
    headers = _headers(settings)
    payments = {}
    for payment in named:
        answer = yield Ask("GET", f"{settings['api']}/payments/{payment}", headers)
        answered = read_answer("GoCardless", answer)
        if isinstance(answered, Verification):
            return answered
        if dig(answered, "payments", "id") != payment:
            return unreachable("GoCardless", answer, "not about the payment that was asked for")
        payments[payment] = answered["payments"]
    return Verification.genuine(matched=matched, evidence={"payments": payments})


def _message(event: Any, payments: dict[str, Any], settings: Settings) -> Message:
    if not isinstance(event, dict):
        return unclear("An entry of the delivery is not an event.")
    transaction, key = text(dig(event, "links", "payment")), settings["order_key"] or ""
    asked = payments.get(transaction or "")
    known: dict[str, Any] = {
        "order_number": text(dig(event, "resource_metadata", key)) or text(dig(asked, "metadata", key)),
        "transaction_id": transaction,
        "event_id": text(event.get("id")),
        "at": iso(event.get("created_at")),
    }
    outcome = Outcome(_word(event))
    if event.get("resource_type") == "refunds":
        return _refund(Message(outcome, movement=text(dig(event, "links", "refund")), **known), asked)
    # A payment can be charged back again once that was cancelled: what names the movement is the event.
    taken = outcome in (Outcome.charged_back, Outcome.chargeback_reversed)
    movement = known["event_id"] if taken else None
    message = Message(outcome, movement=movement, money=_money(asked, "amount", 1), **known)
    return message if asked is None else no_money_no_decision(message)


def _refund(message: Message, asked: Any) -> Message:
    """The event does not say how much a refund is; the payment says how much of it was refunded so far, maybe 0."""
    if message.outcome is not Outcome.refunded:
        return message
    money = _money(asked, "amount_refunded", 0)
    return name_refund(replace(message, money=money, total=money is not None), message.movement)


def _money(asked: Any, name: str, least: int) -> Money | None:
    money = hundredths(dig(asked, name), dig(asked, "currency"))
    return money if money and money.minor >= least else None
