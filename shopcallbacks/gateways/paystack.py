"""Paystack: JSON events signed with HMAC-SHA512 of the raw body. https://paystack.com/docs/payments/webhooks/"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Ask, Message, Money, Outcome, Request, Verification
from .base import FEE_BEARER, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, no_sum_no_chargeback, unclear, unreadable
from .kit.moments import iso
from .kit.money import in_hundredths, minor
from .kit.signed_body import signed_post, verify_body

# The event -> our word; all else is ignored.
EVENTS = {
    "charge.success": Outcome.paid,
    "paymentrequest.success": Outcome.paid,
    "charge.failed": Outcome.failed,
    "bank.transfer.rejected": Outcome.failed,
    "refund.processed": Outcome.refunded,
    "charge.dispute.create": Outcome.disputed,
}
# How a dispute ended (charge.dispute.resolve) -> our word; all else is unclear. What is said of disputes is recalled.
RESOLUTIONS = {
    "merchant-accepted": Outcome.charged_back,
    "declined": Outcome.chargeback_reversed,
}
# The event -> the field with its own time; these names are recalled.
TIMES = {"charge.success": "paid_at", "charge.dispute.create": "created_at"}

SIGNATURE = "x-paystack-signature"


class Paystack(Gateway):
    name = "paystack"
    title = "Paystack"
    letters = "Pk"
    docs = "https://paystack.com/docs/payments/webhooks/"
    check = "HMAC-SHA512 of the raw body, in the header x-paystack-signature"
    tested = "pypaystack2 (Python)"
    area = Area.africa
    countries = "Nigeria, Ghana, South Africa, Kenya, Côte d'Ivoire"
    steps = (
        Step(
            "In Paystack's Dashboard, under Settings > API Keys & Webhooks, copy the secret key and enter it here: "
            "the same key signs the callbacks.",
            "https://dashboard.paystack.com/#/settings/developers",
        ),
        Step(
            "In the same place enter this account's address as the webhook URL: live and test mode have one each.",
        ),
        Step(
            "Have your shop send the order number as the transaction's reference.",
        ),
        Step(
            "Pay with one of Paystack's test cards, in an account of its own with the key sk_test_....",
            "https://paystack.com/docs/payments/test-payments/",
        ),
    )
    settings = (
        Setting(
            "secret_keys",
            "Secret keys",
            Kind.secrets,
            "Paystack Dashboard > Settings > API Keys & Webhooks > Secret key (sk_live_..., sk_test_...): the API's "
            "own key signs the callbacks.",
            required=True,
            live_keys=("sk_live_",),
            test_keys=("sk_test_",),
        ),
        FEE_BEARER,
    )

    def key_question(self, settings: Settings) -> Ask | None:
        if not settings["secret_keys"]:
            return None
        headers = (("Authorization", f"Bearer {settings['secret_keys'][0]}"),)
        return Ask("GET", "https://api.paystack.co/balance", headers)

    def verify(self, request: Request, settings: Settings) -> Verification:
        return verify_body(request, SIGNATURE, settings["secret_keys"], "sha512")

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_object(request.body), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, outcome in EVENTS.items() if outcome is message.outcome), None)
        if kind is None or message.money is None:
            return None
        is_refund = message.outcome is Outcome.refunded
        amount = in_hundredths(message.money)
        data: dict[str, Any] = {
            "id": _number((message.event_id if is_refund else message.transaction_id) or ""),
            "domain": "test" if message.test else "live",
            "status": kind.rpartition(".")[2],
            _reference(kind): message.order_number,
            "amount": str(amount) if is_refund else amount,
            "currency": message.money.currency,
            "customer": {"email": message.customer},
        }
        if message.outcome is Outcome.disputed:
            payment = {"id": data["id"], "reference": message.order_number}
            data |= {"id": _number(message.event_id or ""), "refund_amount": amount, "transaction": payment}
        if kind in TIMES:
            data[TIMES[kind]] = at.isoformat()
        event = {"event": kind, "data": data}
        return Example(signed_post(event, SIGNATURE, settings["secret_keys"][0], "sha512", at))


def _number(id_: str) -> int:
    """Paystack's ids are numbers."""
    return int(id_) if id_.isdecimal() else zlib.crc32(id_.encode())


def _reference(kind: str) -> str:
    """Where the order number is."""
    return "transaction_reference" if kind.startswith("refund.") else "reference"


def _message(event: dict[str, Any], settings: Settings) -> Message:
    kind, data = event.get("event"), dig_object(event, "data")
    domain = text(data.get("domain"))
    known: dict[str, Any] = {"test": None if domain is None else domain == "test"}
    if not isinstance(kind, str):
        return unclear("The callback does not say which event it is about.", **known)
    known["customer"] = text(dig(data, "customer", "email"))
    known["at"] = iso(data.get(TIMES.get(kind, "")))
    if kind.startswith("charge.dispute."):
        return _dispute(kind, data, known)
    known["order_number"] = text(data.get(_reference(kind)))
    if kind == "refund.processed":
        # Its id is the refund's own; the payment's is not there.
        refund = no_money_no_decision(Message(EVENTS[kind], money=_sum(data, "amount"), **known))
        return name_refund(refund, text(data.get("id")), text(data.get("refund_reference")))
    known |= {"transaction_id": text(data.get("id")), "money": _paid(data, settings)}
    status = data.get("status")
    if kind == "charge.success" and status != "success":
        return unclear(f"The event is charge.success, but the charge's status is {status!r}.", **known)
    return no_money_no_decision(Message(EVENTS.get(kind, Outcome.ignored), **known))


def _dispute(kind: str, data: dict[str, Any], known: dict[str, Any]) -> Message:
    payment = dig_object(data, "transaction")
    known |= {
        "order_number": text(payment.get("reference")),
        "transaction_id": text(payment.get("id")),
        "money": _sum(data, "refund_amount"),
    }
    if kind != "charge.dispute.resolve":
        message = Message(EVENTS.get(kind, Outcome.ignored), **known)
        is_open = message.outcome is Outcome.disputed
        return replace(message, answer_by=iso(data.get("due_at")) if is_open else None)
    resolution = text(data.get("resolution"))
    if resolution not in RESOLUTIONS:
        return unclear(f"The dispute has ended, but how is not known: {resolution!r}.", **known)
    return no_sum_no_chargeback(Message(RESOLUTIONS[resolution], movement=text(data.get("id")), **known))


def _paid(data: dict[str, Any], settings: Settings) -> Money | None:
    """What the customer paid; where Paystack's fees came on top, what the shop had asked for (these two recalled)."""
    if settings["fee_bearer"] != "customer":
        return _sum(data, "amount")
    if data.get("requested_amount") is not None:
        return _sum(data, "requested_amount")
    if data.get("fees") is None:
        return _sum(data, "amount")
    paid, fees = _sum(data, "amount"), _sum(data, "fees")
    return Money(paid.minor - fees.minor, paid.currency) if paid and fees else None


def _sum(data: dict[str, Any], name: str) -> Money | None:
    """Hundredths whatever the currency; a refund's amount is text."""
    return minor(text(data.get(name)), data.get("currency"), 2)
