"""Paystack: JSON events signed with HMAC-SHA512 of the raw body. https://paystack.com/docs/payments/webhooks/"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import Example, Gateway, Kind, Setting, Settings
from .reading import (
    ReadError,
    dig,
    dig_object,
    in_hundredths,
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
    "charge.success": Outcome.paid,
    "paymentrequest.success": Outcome.paid,
    "charge.failed": Outcome.failed,
    "bank.transfer.rejected": Outcome.failed,
    "refund.processed": Outcome.refunded,
}

SIGNATURE = "x-paystack-signature"


class Paystack(Gateway):
    name = "paystack"
    title = "Paystack"
    letters = "Pk"
    docs = "https://paystack.com/docs/payments/webhooks/"
    check = "HMAC-SHA512 of the raw body, in the header x-paystack-signature"
    tested = "pypaystack2 (Python)"
    settings = (
        Setting(
            "secret_keys",
            "Secret keys",
            Kind.secrets,
            "Paystack Dashboard > Settings > API Keys & Webhooks > Secret key (sk_live_..., sk_test_...): the API's "
            "own key signs the callbacks.",
            required=True,
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        return verify_body(request, SIGNATURE, settings["secret_keys"], "sha512")

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_object(request.body)),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, outcome in EVENTS.items() if outcome is message.outcome), None)
        if kind is None or message.money is None:
            return None
        is_refund = message.outcome is Outcome.refunded
        amount = in_hundredths(message.money)
        data = {
            "id": _number((message.event_id if is_refund else message.transaction_id) or ""),
            "domain": "test" if message.test else "live",
            "status": kind.rpartition(".")[2],
            _reference(kind): message.order_number,
            "amount": str(amount) if is_refund else amount,
            "currency": message.money.currency,
            "customer": {"email": message.customer},
        }
        event = {"event": kind, "data": data}
        return Example(signed_post(event, SIGNATURE, settings["secret_keys"][0], "sha512", at))


def _number(id_: str) -> int:
    """Paystack's ids are numbers."""
    return int(id_) if id_.isdecimal() else zlib.crc32(id_.encode())


def _reference(kind: str) -> str:
    """Where the order number is."""
    return "transaction_reference" if kind.startswith("refund.") else "reference"


def _message(event: dict[str, Any]) -> Message:
    kind, data = event.get("event"), dig_object(event, "data")
    domain = text(data.get("domain"))
    known: dict[str, Any] = {"test": None if domain is None else domain == "test"}
    if not isinstance(kind, str):
        return unclear("The callback does not say which event it is about.", **known)
    known |= {
        "order_number": text(data.get(_reference(kind))),
        "transaction_id": text(data.get("id")),
        # Hundredths whatever the currency; a refund's amount is text.
        "money": minor(text(data.get("amount")), data.get("currency"), 2),
        "customer": text(dig(data, "customer", "email")),
    }
    status = data.get("status")
    if kind == "charge.success" and status != "success":
        return unclear(f"The event is charge.success, but the charge's status is {status!r}.", **known)
    message = Message(EVENTS.get(kind, Outcome.ignored), **known)
    return name_refund(no_money_no_decision(message), known["transaction_id"], text(data.get("refund_reference")))
