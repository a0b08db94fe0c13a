"""Checkout.com: JSON events signed with HMAC-SHA256 of the raw body. https://www.checkout.com/docs/workflows"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Request, Verdict, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, no_sum_no_chargeback, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import minor, read_currency
from .kit.signatures import same
from .kit.signed_body import signed_post, verify_body

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
    "payment_refunded": "refunded",  # one that is declined was refused at once: ignored
    "dispute_received": "disputed",
    "dispute_evidence_required": "disputed",
    "dispute_lost": "charged_back",
    # That the money is gone in these, and back in those below, is recalled.
    "dispute_accepted": "charged_back",
    "dispute_expired": "charged_back",
    "dispute_arbitration_lost": "charged_back",
    "dispute_won": "chargeback_reversed",
    "dispute_canceled": "chargeback_reversed",
    "dispute_resolved": "chargeback_reversed",
    "dispute_arbitration_won": "chargeback_reversed",
}
# An authorisation let go; what expires was never authorised, and who cancels did not get so far.
LET_GO = "payment_voided"

# How many decimals Checkout.com's amounts have where it is not two. Not ISO 4217's: Chilean pesos have two here.
DECIMALS = {
    **dict.fromkeys("BIF DJF GNF ISK JPY KMF KRW PYG RWF UGX VUV VND XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}

SIGNATURE = "Cko-Signature"


class CheckoutCom(Gateway):
    name = "checkoutcom"
    title = "Checkout.com"
    letters = "Co"
    docs = "https://www.checkout.com/docs/workflows"
    check = "HMAC-SHA256 of the raw body, in the header Cko-Signature"
    tested = "the check of the official WooCommerce plug-in"
    area = Area.worldwide
    countries = "Europe, the Americas, Asia, Middle East"
    much_used = True
    steps = (
        Step(
            "In Checkout.com's Dashboard, under Workflows, make a flow.",
            "https://dashboard.checkout.com/",
        ),
        Step(
            "As its condition choose the events of payments (approved, captured, declined, canceled, voided, "
            "expired, refunded) and of disputes.",
            "https://www.checkout.com/docs/workflows",
        ),
        Step(
            "As its action choose a webhook with this account's address, and enter its signature key here, with "
            "the Authorization header if you set one.",
        ),
        Step(
            "Have your shop send the order number as the payment's reference.",
        ),
        Step(
            "Pay with a test card in the sandbox, which has a Dashboard and flows of its own.",
            "https://dashboard.sandbox.checkout.com/",
        ),
    )
    settings = (
        Setting(
            "signature_keys",
            "Signature keys",
            Kind.secrets,
            "Checkout.com Dashboard > Workflows > your flow > Webhook > Signature key.",
            required=True,
            test_keys=("sk_sbox_", "sk_test_"),
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
        data: dict[str, Any] = {
            "amount": int(message.money.amount.scaleb(_decimals(message.money.currency))),
            "currency": message.money.currency,
        }
        if _is_dispute(kind):
            data |= {"id": f"dsp_{message.transaction_id}", "payment_id": message.transaction_id}
            data |= {"payment_reference": message.order_number}
        else:
            data |= {"id": message.transaction_id, "action_id": f"act_{message.event_id}"}
            data |= {"reference": message.order_number, "customer": {"email": message.customer}}
        event = {"id": message.event_id, "type": kind, "version": "1.0.2", "created_on": at.isoformat(), "data": data}
        request = signed_post(event, SIGNATURE, settings["signature_keys"][0], "sha256", at)
        if settings["authorization"]:
            request = replace(request, headers=(*request.headers, ("Authorization", settings["authorization"])))
        return Example(request)


def _message(event: dict[str, Any], settings: Settings) -> Message:
    kind, data = event.get("type"), dig_object(event, "data")
    of_dispute = _is_dispute(kind)
    known: dict[str, Any] = {
        # The `id` of a dispute is its own.
        "order_number": text(data.get("payment_reference" if of_dispute else "reference")),
        "transaction_id": text(data.get("payment_id" if of_dispute else "id")),
        "event_id": text(event.get("id")),
        "money": _money(data),
        "customer": text(dig(data, "customer", "email")),
        # That `created_on` is the event's own time is recalled, of the older `timestamp` it is documented.
        "at": iso(event.get("created_on") or event.get("timestamp")),
    }
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known)
    message = Message(our_word(TYPES.get(kind, "ignored"), settings["authorised"]), **known)
    return _with_details(no_sum_no_chargeback(no_money_no_decision(message)), kind, data, settings)


def _is_dispute(kind: Any) -> bool:
    return isinstance(kind, str) and kind.startswith("dispute_")


def _with_details(message: Message, kind: str, data: dict[str, Any], settings: Settings) -> Message:
    """The message with what only its outcome has."""
    waits = settings["authorised"] == "pending"
    match message.outcome:
        case Outcome.paid if waits:  # each capture is money of its own
            return replace(message, movement=text(data.get("action_id")))
        case Outcome.cancelled:
            return replace(message, uncaptured=waits and kind == LET_GO)
        case Outcome.disputed:
            return replace(message, answer_by=iso(data.get("evidence_required_by")))  # the field is recalled
        case Outcome.charged_back | Outcome.chargeback_reversed:
            return replace(message, movement=text(data.get("id")))
    return name_refund(message, text(data.get("action_id")))


def _money(data: dict[str, Any]) -> Money | None:
    currency = data.get("currency")
    return minor(text(data.get("amount")), currency, _decimals(read_currency(currency)))


def _decimals(currency: str | None) -> int:
    return DECIMALS.get(currency or "", 2)
