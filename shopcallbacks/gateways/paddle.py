"""Paddle Billing: JSON events signed with HMAC-SHA256 over time and raw body. https://developer.paddle.com/webhooks"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, read_object, text
from .kit.messages import name_refund, no_money_no_decision, no_sum_no_chargeback, unclear, unreadable
from .kit.moments import iso
from .kit.money import minor, whole
from .kit.signatures import age_problem, first_match, same_hex

# A transaction's event -> our word; all else is ignored.
TRANSACTION = {
    "transaction.paid": Outcome.paid,
    "transaction.completed": Outcome.paid,  # comes as well, for the same payment, when Paddle is done with it
    "transaction.billed": Outcome.pending,  # an invoice was sent
    "transaction.past_due": Outcome.pending,
    "transaction.payment_failed": Outcome.failed,  # one attempt; another may succeed
    "transaction.canceled": Outcome.cancelled,
}
# An adjustment's action and status -> our word; all else is ignored (credits and refused refunds move no money).
ADJUSTMENT = {
    ("refund", "approved"): Outcome.refunded,
    ("chargeback_warning", "approved"): Outcome.disputed,
    ("chargeback", "approved"): Outcome.charged_back,
    ("chargeback", "reversed"): Outcome.chargeback_reversed,
    ("chargeback_reverse", "approved"): Outcome.chargeback_reversed,
    ("chargeback_warning_reverse", "approved"): Outcome.chargeback_reversed,
}


class Paddle(Gateway):
    name = "paddle"
    title = "Paddle Billing"
    letters = "Pd"
    docs = "https://developer.paddle.com/webhooks/about/signature-verification"
    payment_pages = (
        "https://vendors.paddle.com/transactions-v2/{id}",
        "https://sandbox-vendors.paddle.com/transactions-v2/{id}",
    )
    check = "HMAC-SHA256 of time and raw body, in the header Paddle-Signature"
    tested = "paddle-python-sdk 1.16 and the example in its tests"
    area = Area.worldwide
    countries = "Everywhere"
    steps = (
        Step(
            "In Paddle, under Developer tools > Notifications, add a destination of the kind webhook with this "
            "account's address.",
            "https://vendors.paddle.com/notifications-v2",
        ),
        Step(
            "Tick transaction.paid, transaction.completed, transaction.billed, transaction.past_due, "
            "transaction.payment_failed, transaction.canceled, adjustment.created and adjustment.updated.",
        ),
        Step(
            "Enter the destination's secret key (pdl_ntfset_...) here.",
        ),
        Step(
            "Have your shop put the order number into the transaction's custom_data, under the key that is set here.",
        ),
        Step(
            "Pay with a test card in the sandbox, which has destinations and keys of its own.",
            "https://sandbox-vendors.paddle.com/notifications-v2",
        ),
    )
    settings = (
        Setting("secret_keys", "Secret keys", Kind.secrets, "Paddle > Developer tools > Notifications.", required=True),
        Setting("tolerance_s", "Allowed age of a signature, in seconds", Kind.number, "At arrival.", default=300),
        Setting("order_key", "Key of the order number", Kind.text, "Within custom_data.", default="order_number"),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        pairs = [piece.partition("=") for piece in (request.header("Paddle-Signature") or "").split(";")]
        times = [value for name, _, value in pairs if name == "ts"]
        if len(times) != 1 or not re.fullmatch(r"\d{1,12}", times[0], re.ASCII):
            return Verification.not_genuine("The header Paddle-Signature is missing, came twice or has no time.")
        signatures = [value for name, _, value in pairs if name == "h1"]  # several while a key is changed

        def fits(key: str) -> bool:
            digest = _digest(key, times[0], request.body)
            return any([same_hex(signature, digest) for signature in signatures])

        matched = first_match(settings["secret_keys"], fits)
        if matched is None:
            return Verification.not_genuine("No signature fits a live secret key.")
        problem = age_problem(int(times[0]), request.arrived_at, settings["tolerance_s"])
        return Verification.not_genuine(problem, mistimed=True) if problem else Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            message = _message(read_object(request.body), settings)
            return (no_sum_no_chargeback(no_money_no_decision(message)),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, outcome in TRANSACTION.items() if outcome is message.outcome), None)
        if kind is None or message.money is None:
            return None
        total = {"grand_total": str(message.money.minor), "currency_code": message.money.currency}
        order = {"custom_data": {settings["order_key"]: message.order_number}, "details": {"totals": total}}
        event = {"event_id": message.event_id, "event_type": kind, "data": {"id": message.transaction_id, **order}}
        body, time = json.dumps(event).encode(), str(int(at.timestamp()))
        signature = f"ts={time};h1={_digest(settings['secret_keys'][0], time, body).hex()}"
        headers = (("Content-Type", "application/json"), ("Paddle-Signature", signature))
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _digest(key: str, time: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), f"{time}:".encode() + body, hashlib.sha256).digest()


def _message(event: dict[str, Any], settings: Settings) -> Message:
    kind, data = event.get("event_type"), event.get("data")
    if not isinstance(kind, str):
        return unclear("The event has no type.", event_id=text(event.get("event_id")))
    adjusted = kind.startswith("adjustment.")
    totals = dig(data, "totals") if adjusted else dig(data, "details", "totals")
    known: dict[str, Any] = {
        "order_number": text(dig(data, "custom_data", settings["order_key"])),
        "transaction_id": text(dig(data, "transaction_id" if adjusted else "id")),
        "event_id": text(event.get("event_id")),
        "money": minor(whole(dig(totals, "total" if adjusted else "grand_total")), dig(totals, "currency_code")),
        "at": iso(event.get("occurred_at")),
    }
    if not adjusted:
        return Message(TRANSACTION.get(kind, Outcome.ignored), **known)
    outcome = ADJUSTMENT.get((str(dig(data, "action")), str(dig(data, "status"))), Outcome.ignored)
    adjustment = text(dig(data, "id"))
    return name_refund(Message(outcome, movement=adjustment, **known), adjustment)
