"""Razorpay: JSON events signed with HMAC-SHA256 of the raw body. https://razorpay.com/docs/webhooks/"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import Example, Gateway, Kind, Setting, Settings
from .reading import (
    ReadError,
    dig,
    dig_object,
    minor,
    name_refund,
    no_money_no_decision,
    read_object,
    text,
    unclear,
    unreadable,
)
from .signed_body import signed_post, verify_body

# The event -> our word; all else is ignored.
EVENTS = {
    "payment.captured": Outcome.paid,
    "order.paid": Outcome.paid,  # comes as well, for the same payment
    "payment.authorized": Outcome.pending,  # it is captured next, or the money goes back by itself
    "payment.failed": Outcome.failed,  # one attempt; another may succeed
    "refund.processed": Outcome.refunded,
}

SIGNATURE, EVENT_ID = "X-Razorpay-Signature", "X-Razorpay-Event-Id"


class Razorpay(Gateway):
    name = "razorpay"
    title = "Razorpay"
    letters = "Rz"
    docs = "https://razorpay.com/docs/webhooks/validate-test/"
    check = "HMAC-SHA256 of the raw body, in the header X-Razorpay-Signature"
    tested = "Razorpay's packages for Python, Node and PHP"
    settings = (
        Setting(
            "webhook_secrets",
            "Webhook secrets",
            Kind.secrets,
            "Razorpay Dashboard > Account & Settings > Webhooks > your webhook > Secret; not the API key's secret. "
            "After a change keep the old one for a day: what is sent again still has its signature.",
            required=True,
        ),
        Setting(
            "order_note",
            "Note with the order number",
            Kind.text,
            "The key under which your shop puts the order number into the payment's notes. Without such a note the "
            "order's receipt counts, else Razorpay's own order id.",
            default="order_number",
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        return verify_body(request, SIGNATURE, settings["webhook_secrets"], "sha256")

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        event_id = text(request.header(EVENT_ID))
        try:
            return (_message(read_object(request.body), settings, event_id=event_id),)
        except ReadError as error:
            return (unreadable(error, event_id=event_id),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, outcome in EVENTS.items() if outcome is message.outcome), None)
        if kind is None or message.money is None:
            return None
        payment: dict[str, Any] = {
            "id": message.transaction_id,
            "entity": "payment",
            "amount": message.money.minor,
            "currency": message.money.currency,
            "status": "captured" if message.outcome is Outcome.refunded else kind.removeprefix("payment."),
            "order_id": f"order_{message.transaction_id}",
            "email": message.customer,
            "notes": {settings["order_note"]: message.order_number},
        }
        payload = {"payment": {"entity": payment}}
        if message.outcome is Outcome.refunded:
            refund = {
                "id": f"rfnd_{message.event_id}",
                "entity": "refund",
                "amount": message.money.minor,
                "currency": message.money.currency,
                "payment_id": message.transaction_id,
                "status": "processed",
            }
            payload["refund"] = {"entity": refund}
        event = {
            "entity": "event",
            "event": kind,
            "contains": list(payload),
            "payload": payload,
            "created_at": int(at.timestamp()),
        }
        request = signed_post(event, SIGNATURE, settings["webhook_secrets"][0], "sha256", at)
        return Example(replace(request, headers=(*request.headers, (EVENT_ID, message.event_id or ""))))


def _message(event: dict[str, Any], settings: Settings, **known: Any) -> Message:
    kind = event.get("event")
    if not isinstance(kind, str):
        return unclear("The callback does not say which event it is about.", **known)
    payment, refund = (
        dig_object(event, "payload", "payment", "entity"),
        dig_object(event, "payload", "refund", "entity"),
    )
    moved = refund if kind.startswith("refund.") else payment
    known |= {
        "order_number": _order_number(event, payment, settings),
        "transaction_id": text(payment.get("id")) or text(refund.get("payment_id")),
        "money": minor(text(moved.get("amount")), moved.get("currency")),
        "customer": text(payment.get("email")),
    }
    message = Message(EVENTS.get(kind, Outcome.ignored), **known)
    return name_refund(no_money_no_decision(message), text(refund.get("id")))


def _order_number(event: dict[str, Any], payment: dict[str, Any], settings: Settings) -> str | None:
    """`notes` is an empty list where there are none."""
    note = text(dig(payment, "notes", settings["order_note"]))
    return note or text(dig(event, "payload", "order", "entity", "receipt")) or text(payment.get("order_id"))
