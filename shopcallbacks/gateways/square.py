"""Square: JSON events signed with HMAC-SHA256 over the registered address and the raw body.

https://developer.squareup.com/docs/webhooks/step3validate
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import minor
from .kit.signatures import first_match, same_base64

# The object's status -> our word; "authorised": what the account's setting says.
PAYMENT = {
    "COMPLETED": "paid",
    "APPROVED": "authorised",
    "PENDING": "pending",
    "CANCELED": "cancelled",
    "FAILED": "failed",
}
# One that failed is not told: where it was never booked, another refund of the payment would be taken for it.
REFUND = {"COMPLETED": "refunded", "PENDING": "ignored", "FAILED": "ignored", "REJECTED": "ignored"}
DISPUTE = {
    "EVIDENCE_REQUIRED": "disputed",
    "INQUIRY_EVIDENCE_REQUIRED": "disputed",
    "LOST": "charged_back",
    "ACCEPTED": "charged_back",
    "WON": "chargeback_reversed",
    "INQUIRY_CLOSED": "chargeback_reversed",
    "PROCESSING": "ignored",
    "INQUIRY_PROCESSING": "ignored",
}
EVENTS = {
    "payment.created": ("payment", PAYMENT),
    "payment.updated": ("payment", PAYMENT),
    "refund.created": ("refund", REFUND),
    "refund.updated": ("refund", REFUND),
    "dispute.created": ("dispute", DISPUTE),
    "dispute.state.updated": ("dispute", DISPUTE),
    "dispute.state.changed": ("dispute", DISPUTE),  # its older name
}


class Square(Gateway):
    name = "square"
    title = "Square"
    letters = "Sq"
    docs = "https://developer.squareup.com/docs/webhooks/overview"
    payment_pages = (
        "https://squareup.com/dashboard/sales/transactions/{id}",
        "https://squareupsandbox.com/dashboard/sales/transactions/{id}",
    )
    check = "HMAC-SHA256 of the registered address and the raw body, in the header x-square-hmacsha256-signature"
    tested = "squareup 46 (Python), square 46 (npm)"
    longest_number = {"reference_id": 40}
    area = Area.americas
    countries = "United States, Canada, United Kingdom, Ireland, France, Spain, Australia, Japan"
    much_used = True
    steps = (
        Step(
            "In Square's Developer Console open your application, and under Webhooks > Subscriptions add one with "
            "this account's address.",
            "https://developer.squareup.com/apps",
        ),
        Step(
            "Tick payment.created, payment.updated, refund.created, refund.updated, dispute.created and "
            "dispute.state.updated.",
        ),
        Step(
            "Enter its signature key here, and its notification URL exactly as it stands there: the address is "
            "signed too.",
        ),
        Step(
            "Enter the merchant ID here, which any event brings as merchant_id.",
        ),
        Step(
            "Have your shop send the order number as the payment's reference_id.",
        ),
        Step(
            "Send a test event from there, then pay in the sandbox, which has subscriptions and keys of its own.",
            "https://developer.squareup.com/docs/devtools/sandbox/overview",
        ),
    )
    settings = (
        Setting(
            "signature_keys",
            "Signature keys",
            Kind.secrets,
            "Square Developer Console > your application > Webhooks > Subscriptions > Signature key.",
            required=True,
        ),
        Setting(
            "notification_url",
            "Notification URL",
            Kind.text,
            "The address as it stands in the webhook subscription, to the letter: it is part of what is signed.",
            required=True,
        ),
        Setting(
            "merchant_id",
            "Merchant ID",
            Kind.text,
            "ML...; in the Developer Console under Locations, or merchant_id of any event.",
            required=True,
        ),
        Setting(
            "order_field",
            "Field of the order number",
            Kind.choice,
            "reference_id is what your shop sent with the payment, order_id is Square's own order.",
            default="reference_id",
            choices=("reference_id", "order_id"),
        ),
        AUTHORISED,
        Setting(
            "environment",
            "Environment",
            Kind.choice,
            "Sandbox and production have their own applications and signature keys.",
            default="production",
            choices=("production", "sandbox"),
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        signature = request.header("x-square-hmacsha256-signature")
        if signature is None:
            return Verification.not_genuine("The header x-square-hmacsha256-signature is missing or came twice.")
        matched = first_match(
            settings["signature_keys"], lambda key: same_base64(signature, _digest(key, request.body, settings))
        )
        if matched is None:
            return Verification.not_genuine(
                "No signature fits a live signature key and the notification URL of the settings."
            )
        try:
            merchant = read_object(request.body).get("merchant_id")
        except ReadError:
            merchant = None  # signed but unreadable: genuine, and unclear to interpret
        # One signature key serves every seller of an application.
        if merchant is not None and merchant != settings["merchant_id"]:
            return Verification.not_genuine("It is about another Square seller.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        # The header square-environment is not signed.
        test = settings["environment"] == "sandbox"
        try:
            event = read_object(request.body)
        except ReadError as error:
            return (unreadable(error, test=test),)
        known: dict[str, Any] = {
            "event_id": text(event.get("event_id")),
            "test": test,
            "at": iso(event.get("created_at")),
        }
        message, thing = _message(event, settings, known)
        if event.get("merchant_id") is None:
            why = "The event does not say which seller it is about."
            return (replace(message, outcome=Outcome.unclear, detail=why, movement=None, uncaptured=False),)
        return _with_refund(message, thing)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kinds = {
            Outcome.paid: ("payment", "COMPLETED"),
            Outcome.pending: ("payment", "PENDING"),
            Outcome.failed: ("payment", "FAILED"),
            Outcome.cancelled: ("payment", "CANCELED"),
            Outcome.refunded: ("refund", "COMPLETED"),
        }
        if message.outcome not in kinds or message.money is None:
            return None
        kind, status = kinds[message.outcome]
        transaction, time = message.transaction_id, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        thing = {
            "id": f"{transaction}_{message.event_id}" if kind == "refund" else transaction,
            "amount_money": {"amount": message.money.minor, "currency": message.money.currency},
            "status": status,
            "created_at": time,
            "updated_at": time,
            settings["order_field"]: message.order_number,
        }
        if kind == "refund":
            thing["payment_id"] = transaction
        elif message.customer:
            thing["buyer_email_address"] = message.customer
        event = {
            "merchant_id": settings["merchant_id"],
            "type": f"{kind}.updated",
            "event_id": message.event_id,
            "created_at": time,
            "data": {"type": kind, "id": thing["id"], "object": {kind: thing}},
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", "Square Connect v2"),
            (
                "x-square-hmacsha256-signature",
                base64.b64encode(_digest(settings["signature_keys"][0], body, settings)).decode(),
            ),
            ("square-environment", settings["environment"].capitalize()),
        )
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _digest(key: str, body: bytes, settings: Settings) -> bytes:
    # The registered address: behind a proxy the one of the request is another.
    return hmac.new(key.encode(), (settings["notification_url"] or "").encode() + body, hashlib.sha256).digest()


def _message(event: dict[str, Any], settings: Settings, known: dict[str, Any]) -> tuple[Message, dict[str, Any]]:
    """What it says of the thing it is about, and that thing."""
    kind = event.get("type")
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known), {}
    if kind not in EVENTS:
        return Message(Outcome.ignored, **known), {}
    name, words = EVENTS[kind]
    thing = dig_object(event, "data", "object", name)
    if name == "dispute":
        thing = thing or dig_object(event, "data", "object", "object")  # so in Square's packages
    known |= _of_dispute(thing) if name == "dispute" else _of_payment(name, thing, settings)
    known |= {"money": _money(thing), "at": iso(thing.get("updated_at")) or known["at"]}
    status = thing.get("state" if name == "dispute" else "status")
    word = words.get(status) if isinstance(status, str) else None
    if word is None:
        return unclear(f"Square's {name} status {status!r} is not known.", **known), thing
    message = no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))
    return _with_details(message, thing, settings), thing


def _of_payment(name: str, thing: dict[str, Any], settings: Settings) -> dict[str, Any]:
    return {
        "order_number": text(thing.get(settings["order_field"])),
        "transaction_id": text(thing.get("id" if name == "payment" else "payment_id")),
        "customer": text(thing.get("buyer_email_address")),
    }


def _of_dispute(thing: dict[str, Any]) -> dict[str, Any]:
    return {"transaction_id": text(dig(thing, "disputed_payment", "payment_id"))}


def _with_details(message: Message, thing: dict[str, Any], settings: Settings) -> Message:
    """The message with what only its outcome has."""
    match message.outcome:
        case Outcome.paid | Outcome.pending:
            return replace(message, part=message.money is not None and message.money != _sum(thing, "amount_money"))
        case Outcome.cancelled:  # a completed payment can't be
            return replace(message, uncaptured=settings["authorised"] == "pending")
        case Outcome.disputed:
            return replace(message, answer_by=iso(thing.get("due_at")))
        case Outcome.charged_back | Outcome.chargeback_reversed:
            return replace(message, movement=text(thing.get("id")))
    # A refund is updated again after it is completed (fees): its own id counts it once.
    return name_refund(message, text(thing.get("id")))


def _with_refund(message: Message, thing: dict[str, Any]) -> tuple[Message, ...]:
    """A payment of which something was given back, and its only refund. Of several only their sum is known."""
    refunded = _sum(thing, "refunded_money")
    if message.outcome is not Outcome.paid or refunded is None or refunded.minor <= 0:
        return (message,)
    message = replace(message, at=None)  # it was updated for the refund
    refunds = thing.get("refund_ids")
    only = text(refunds[0]) if isinstance(refunds, list) and len(refunds) == 1 else None
    if only is None:
        return (message,)
    return message, replace(message, outcome=Outcome.refunded, money=refunded, movement=only, part=False)


def _money(thing: dict[str, Any]) -> Money | None:
    """The amount without the tip; less where less was approved."""
    asked, approved = _sum(thing, "amount_money"), _sum(thing, "approved_money")
    if asked and approved and approved.currency == asked.currency:
        return min(asked, approved, key=lambda money: money.minor)
    return asked


def _sum(thing: dict[str, Any], name: str) -> Money | None:
    """A whole JSON number of ISO minor units."""
    value = dig(thing, name, "amount")
    return minor(value, dig(thing, name, "currency")) if type(value) is int else None
