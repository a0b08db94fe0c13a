"""Checkout.com: JSON events signed with HMAC-SHA256 of the raw body. https://www.checkout.com/docs/workflows"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Request, Verdict, Verification
from .base import AUTHORISED, Example, Gateway, Kind, Setting, Settings
from .reading import (
    ReadError,
    dig,
    dig_object,
    minor,
    name_refund,
    no_money_no_decision,
    our_word,
    read_object,
    same,
    text,
    unclear,
    unreadable,
)
from .signed_body import signed_post, verify_body

# The event's type -> our word; all else is ignored. "authorised": what the account's setting says.
TYPES = {
    "payment_captured": "paid",
    "payment_approved": "authorised",
    "payment_pending": "pending",
    "payment_capture_pending": "pending",
    "payment_declined": "failed",
    "payment_capture_declined": "failed",
    "payment_canceled": "cancelled",
    "payment_expired": "cancelled",
    "payment_voided": "cancelled",
    "payment_refunded": "refunded",
}

SIGNATURE = "Cko-Signature"


class CheckoutCom(Gateway):
    name = "checkoutcom"
    title = "Checkout.com"
    letters = "Co"
    docs = "https://www.checkout.com/docs/workflows"
    check = "HMAC-SHA256 of the raw body, in the header Cko-Signature"
    tested = "the check of the official WooCommerce plug-in"
    settings = (
        Setting(
            "signature_keys",
            "Signature keys",
            Kind.secrets,
            "Checkout.com Dashboard > Workflows > your flow > Webhook > Signature key.",
            required=True,
        ),
        Setting(
            "authorization",
            "Authorization header",
            Kind.secret,
            "The text of the header Authorization that is set in the same place; empty where none is.",
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        verification = verify_body(request, SIGNATURE, settings["signature_keys"], "sha256")
        wanted = settings["authorization"]
        if verification.verdict is Verdict.genuine and wanted and not same(request.header("Authorization"), wanted):
            return Verification.not_genuine("The signature fits, but the header Authorization is not the agreed one.")
        return verification

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_object(request.body), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, word in TYPES.items() if word == message.outcome), None)
        if kind is None or message.money is None:
            return None
        data = {
            "id": message.transaction_id,
            "action_id": f"act_{message.event_id}",
            "amount": message.money.minor,
            "currency": message.money.currency,
            "reference": message.order_number,
            "customer": {"email": message.customer},
        }
        event = {"id": message.event_id, "type": kind, "version": "1.0.2", "created_on": at.isoformat(), "data": data}
        request = signed_post(event, SIGNATURE, settings["signature_keys"][0], "sha256", at)
        if settings["authorization"]:
            request = replace(request, headers=(*request.headers, ("Authorization", settings["authorization"])))
        return Example(request)


def _message(event: dict[str, Any], settings: Settings) -> Message:
    kind, data = event.get("type"), dig_object(event, "data")
    known: dict[str, Any] = {
        "order_number": text(data.get("reference")),
        "transaction_id": text(data.get("id")),
        "event_id": text(event.get("id")),
        "money": minor(text(data.get("amount")), data.get("currency")),
        "customer": text(dig(data, "customer", "email")),
    }
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known)
    message = Message(our_word(TYPES.get(kind, "ignored"), settings["authorised"]), **known)
    return name_refund(no_money_no_decision(message), text(data.get("action_id")))
