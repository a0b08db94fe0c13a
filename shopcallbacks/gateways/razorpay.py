"""Razorpay: JSON events signed with HMAC-SHA256 of the raw body. https://razorpay.com/docs/webhooks/"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Request, Verification
from .base import FEE_BEARER, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, no_sum_no_chargeback, unclear, unreadable
from .kit.moments import unix_seconds
from .kit.money import minor
from .kit.signed_body import signed_post, verify_body

# The event -> our word; all else is ignored.
EVENTS = {
    "payment.captured": Outcome.paid,
    "order.paid": Outcome.paid,  # comes as well, for the same payment
    "payment.authorized": Outcome.pending,  # it is captured next, or the money goes back by itself
    "payment.failed": Outcome.failed,  # one attempt; another may succeed
    "refund.processed": Outcome.refunded,  # one that failed comes instead: ignored
    "payment.dispute.created": Outcome.disputed,
    "payment.dispute.action_required": Outcome.disputed,
    "payment.dispute.lost": Outcome.charged_back,
    "payment.dispute.won": Outcome.chargeback_reversed,
}

SIGNATURE, EVENT_ID = "X-Razorpay-Signature", "X-Razorpay-Event-Id"


class Razorpay(Gateway):
    name = "razorpay"
    title = "Razorpay"
    letters = "Rz"
    docs = "https://razorpay.com/docs/webhooks/validate-test/"
    payment_pages = ("https://dashboard.razorpay.com/app/payments/{id}",) * 2
    check = "HMAC-SHA256 of the raw body, in the header X-Razorpay-Signature"
    tested = "Razorpay's packages for Python, Node and PHP"
    area = Area.asia
    countries = "India, Malaysia"
    steps = (
        Step(
            "In Razorpay's Dashboard, under Account & Settings > Webhooks, add one with this account's address.",
            "https://dashboard.razorpay.com/app/webhooks",
        ),
        Step(
            "Make up a long random secret; enter the same there and here.",
        ),
        Step(
            "Tick payment.authorized, payment.captured, payment.failed, order.paid, refund.processed, "
            "payment.dispute.created, payment.dispute.action_required, payment.dispute.won and "
            "payment.dispute.lost.",
            "https://razorpay.com/docs/webhooks/validate-test/",
        ),
        Step(
            "Have your shop put the order number into the payment's notes, under the key that is set here.",
        ),
        Step(
            "Pay in test mode, which has webhooks of its own: an account of its own here.",
        ),
    )
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
        FEE_BEARER,
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
            "status": "captured" if kind.startswith(("refund.", "payment.dispute.")) else kind.removeprefix("payment."),
            "captured": message.outcome not in (Outcome.pending, Outcome.failed),
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
        elif kind.startswith("payment.dispute."):
            dispute = {
                "id": f"disp_{message.transaction_id}",
                "entity": "dispute",
                "payment_id": message.transaction_id,
                "amount": message.money.minor,
                "currency": message.money.currency,
            }
            payload["dispute"] = {"entity": dispute}
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
    payment, refund, dispute = (
        dig_object(event, "payload", name, "entity") for name in ("payment", "refund", "dispute")
    )
    known |= {
        "order_number": _order_number(event, payment, settings),
        "transaction_id": text(payment.get("id")) or text((refund or dispute).get("payment_id")),
        "customer": text(payment.get("email")),
        "at": unix_seconds(event.get("created_at")),
    }
    message = Message(EVENTS.get(kind, Outcome.ignored), **known)
    if kind.startswith("payment.dispute."):
        return _dispute(message, dispute)
    if kind.startswith("refund."):
        return _refund(message, refund, payment)
    return no_money_no_decision(replace(message, money=_paid(payment, settings)))


def _paid(payment: dict[str, Any], settings: Settings) -> Money | None:
    """What the customer paid, less the fee where it came on top (the tax is in it). An offer is taken off already."""
    paid = _sum(payment, "amount")
    # The model is documented, the fields are recalled. An authorised payment has no fee yet.
    if settings["fee_bearer"] != "customer" or payment.get("fee") is None:
        return paid
    fee = _sum(payment, "fee")
    return Money(paid.minor - fee.minor, paid.currency) if paid and fee else None


def _refund(message: Message, refund: dict[str, Any], payment: dict[str, Any]) -> Message:
    message = replace(message, money=_sum(refund, "amount"))
    if message.outcome is Outcome.refunded and payment.get("captured") is False:
        # Nobody captured it in time, so Razorpay let it go by itself: such a payment had never counted.
        return replace(message, outcome=Outcome.cancelled, uncaptured=True)
    return name_refund(no_money_no_decision(message), text(refund.get("id")))


def _dispute(message: Message, dispute: dict[str, Any]) -> Message:
    """The dispute's fields are recalled, its events documented."""
    message = replace(message, money=_sum(dispute, "amount"))
    match message.outcome:
        case Outcome.disputed:
            return replace(message, answer_by=unix_seconds(dispute.get("respond_by")))
        case Outcome.charged_back:
            deducted = _sum(dispute, "amount_deducted")
            money = deducted if deducted and deducted.minor > 0 else message.money
            return no_sum_no_chargeback(replace(message, money=money, movement=text(dispute.get("id"))))
        case Outcome.chargeback_reversed:
            return replace(message, movement=text(dispute.get("id")))
    return message


def _sum(entity: dict[str, Any], name: str) -> Money | None:
    return minor(text(entity.get(name)), entity.get("currency"))


def _order_number(event: dict[str, Any], payment: dict[str, Any], settings: Settings) -> str | None:
    """`notes` is an empty list where there are none."""
    note = text(dig(payment, "notes", settings["order_note"]))
    return note or text(dig(event, "payload", "order", "entity", "receipt")) or text(payment.get("order_id"))
