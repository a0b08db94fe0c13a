"""Stripe: JSON events signed with HMAC-SHA256 over time and raw body. https://docs.stripe.com/webhooks"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, unclear, unreadable
from .kit.moments import unix_seconds
from .kit.money import minor
from .kit.signatures import first_match, same

AUTHORISED_MARK = "authorised"  # in the tables: what the account's setting says

# The event's kind -> (the object it must be about, our word). "?": decided below, by the object's own state.
EVENTS: dict[str, tuple[str, str]] = {
    "checkout.session.completed": ("checkout.session", "?"),
    "checkout.session.async_payment_succeeded": ("checkout.session", "?"),
    "checkout.session.async_payment_failed": ("checkout.session", "failed"),
    "checkout.session.expired": ("checkout.session", "cancelled"),
    "payment_intent.succeeded": ("payment_intent", "?"),
    # Not confirmed: of several captures the intent tells only once, by payment_intent.succeeded.
    "payment_intent.amount_capturable_updated": ("payment_intent", "?"),
    "payment_intent.processing": ("payment_intent", "pending"),
    "payment_intent.requires_action": ("payment_intent", "pending"),
    "payment_intent.partially_funded": ("payment_intent", "pending"),
    "payment_intent.payment_failed": ("payment_intent", "failed"),  # one attempt; the same intent may still succeed
    "payment_intent.canceled": ("payment_intent", "cancelled"),
    "charge.succeeded": ("charge", "?"),
    "charge.captured": ("charge", "paid"),
    "charge.failed": ("charge", "failed"),
    "charge.pending": ("charge", "pending"),
    "charge.expired": ("charge", "cancelled"),
    "charge.refunded": ("charge", "?"),
    "refund.updated": ("refund", "?"),
    "refund.failed": ("refund", "?"),
    "charge.refund.updated": ("refund", "?"),
    "charge.dispute.created": ("dispute", "disputed"),
    "charge.dispute.updated": ("dispute", "?"),
    "charge.dispute.closed": ("dispute", "?"),
    "charge.dispute.funds_withdrawn": ("dispute", "ignored"),  # withheld while the dispute runs; its end decides
    "charge.dispute.funds_reinstated": ("dispute", "chargeback_reversed"),
}
# charge.dispute.closed by the dispute's status; another one, as `prevented`, is unclear. And what asks for an answer.
CLOSED = {"lost": "charged_back", "won": "chargeback_reversed", "warning_closed": "chargeback_reversed"}
TO_ANSWER = {"needs_response", "warning_needs_response"}
# With a PaymentIntent behind it a charge only repeats what the intent's own event says.
REPEATED_BY_INTENT = {"charge.succeeded", "charge.captured", "charge.failed", "charge.pending", "charge.expired"}
# An authorisation let go: an intent that has succeeded can't be cancelled.
LET_GO = {"payment_intent.canceled", "charge.expired", "charge.refunded"}
# The first version in which a charge's `amount_refunded` holds refunds only, not the rest that was never captured.
REFUNDS_ONLY = "2025-03-31"

# Stripe's own exponents. ISK and UGX come in hundredths although ISO gives them none; MGA comes whole.
DECIMALS = {
    **dict.fromkeys("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD JOD KWD OMR TND".split(), 3),
}


class Stripe(Gateway):
    name = "stripe"
    title = "Stripe"
    letters = "St"
    docs = "https://docs.stripe.com/webhooks"
    payment_pages = (
        "https://dashboard.stripe.com/payments/{id}",
        "https://dashboard.stripe.com/test/payments/{id}",
    )
    check = "HMAC-SHA256 of time and raw body, in the header Stripe-Signature"
    tested = "stripe 16 (Python), 23 (npm)"
    area = Area.worldwide
    countries = "Europe, the Americas, Asia, Australia"
    much_used = True
    steps = (
        Step(
            "In Stripe's Dashboard, under Developers > Webhooks, add an endpoint with this account's address.",
            "https://dashboard.stripe.com/webhooks",
        ),
        Step(
            "Tick these events: checkout.session.completed, checkout.session.async_payment_succeeded, "
            "checkout.session.async_payment_failed, checkout.session.expired, payment_intent.succeeded, "
            "payment_intent.processing, payment_intent.amount_capturable_updated, payment_intent.payment_failed, "
            "payment_intent.canceled, charge.refunded, refund.updated, refund.failed, charge.dispute.created, "
            "charge.dispute.closed.",
        ),
        Step(
            "Enter the endpoint's signing secret (whsec_...) here: Stripe shows it once the endpoint is made.",
        ),
        Step(
            "Have your shop put the order number into the PaymentIntent's metadata, with Checkout as "
            "payment_intent_data.metadata, under the key that is set here.",
            "https://docs.stripe.com/metadata",
        ),
        Step(
            "Pay with one of Stripe's test cards: its test mode and sandboxes have endpoints and secrets of their "
            "own, so they are accounts of their own here.",
            "https://docs.stripe.com/testing",
        ),
    )
    settings = (
        Setting(
            "signing_secrets",
            "Signing secrets",
            Kind.secrets,
            "Stripe Dashboard > Developers > Webhooks > your endpoint > Signing secret (whsec_...).",
            required=True,
        ),
        Setting(
            "tolerance_s",
            "Allowed age of a signature, in seconds",
            Kind.number,
            "Measured when the callback arrives, either way.",
            default=300,
        ),
        Setting(
            "order_key",
            "Metadata key of the order number",
            Kind.text,
            "The key under which your shop puts the order number into Stripe's metadata.",
            default="order_number",
        ),
        AUTHORISED,
        Setting(
            "account",
            "Connected account",
            Kind.text,
            "acct_..., only for an endpoint that listens to Connect accounts.",
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        header = request.header("Stripe-Signature")
        if header is None:
            return Verification.not_genuine("The header Stripe-Signature is missing or came twice.")
        times, signatures = _read_signature_header(header)
        # Exactly one time, plain digits: Stripe's own packages take the first or the last of two.
        if len(times) != 1 or not re.fullmatch(r"0|[1-9]\d{0,11}", times[0], re.ASCII):
            return Verification.not_genuine("The header Stripe-Signature has no readable time.")

        def fits(secret: str) -> bool:
            # The key is the secret's whole text, `whsec_` included; it is not base64.
            digest = hmac.new(secret.encode(), times[0].encode() + b"." + request.body, hashlib.sha256).hexdigest()
            return any([same(signature, digest) for signature in signatures])

        matched = first_match(settings["signing_secrets"], fits)
        if matched is None:
            return Verification.not_genuine("No signature fits a live signing secret.")
        age = request.arrived_at.timestamp() - int(times[0])
        if abs(age) > settings["tolerance_s"]:
            return Verification.not_genuine(
                f"The signature fits, but its time is {abs(age):,.0f} s {'old' if age > 0 else 'ahead'}; "
                f"{settings['tolerance_s']} s are allowed.",
                mistimed=True,
            )
        return self._of_our_account(request, settings, matched)

    def _of_our_account(self, request: Request, settings: Settings, matched: int) -> Verification:
        try:
            account = read_object(request.body).get("account")
        except ReadError:
            account = None  # signed but unreadable: genuine, and unclear to interpret
        if account != settings["account"]:
            return Verification.not_genuine("It is about another Stripe account.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            event = read_object(request.body)
        except ReadError as error:
            return (unreadable(error),)
        return (no_money_no_decision(_message(event, settings)),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kinds = {
            Outcome.paid: ("payment_intent.succeeded", "succeeded"),
            Outcome.pending: ("payment_intent.processing", "processing"),
            Outcome.failed: ("payment_intent.payment_failed", "requires_payment_method"),
            Outcome.cancelled: ("payment_intent.canceled", "canceled"),
        }
        if message.outcome not in kinds or message.money is None:
            return None
        kind, status = kinds[message.outcome]
        amount = int(message.money.amount.scaleb(DECIMALS.get(message.money.currency, 2)))
        intent = {
            "id": message.transaction_id,
            "object": "payment_intent",
            "amount": amount,
            "amount_received": amount,
            "currency": message.money.currency.lower(),
            "status": status,
            "receipt_email": message.customer,
            "metadata": {settings["order_key"]: message.order_number},
        }
        event = {
            "id": message.event_id,
            "object": "event",
            "type": kind,
            "created": int(at.timestamp()),
            "livemode": not message.test,
            "data": {"object": intent},
        }
        if settings["account"]:
            event["account"] = settings["account"]
        body = json.dumps(event, indent=2).encode()
        time = str(int(at.timestamp())).encode()
        signature = hmac.new(settings["signing_secrets"][0].encode(), time + b"." + body, hashlib.sha256).hexdigest()
        headers = (
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
            ("Stripe-Signature", f"t={time.decode()},v1={signature}"),
        )
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _read_signature_header(header: str) -> tuple[list[str], list[str]]:
    """Times and v1 signatures. Split at `,`, then at the first `=`, nothing trimmed; v0 is made up."""
    pairs = [piece.partition("=") for piece in header.split(",")]
    return [value for name, _, value in pairs if name == "t"], [value for name, _, value in pairs if name == "v1"]


def _message(event: dict[str, Any], settings: Settings) -> Message:
    livemode = event.get("livemode")
    known: dict[str, Any] = {
        "event_id": text(event.get("id")),
        "test": not livemode if isinstance(livemode, bool) else None,
        "at": unix_seconds(event.get("created")),
    }
    if event.get("object") == "v2.core.event":
        return Message(Outcome.ignored, **known)  # a thin event: it names an object, not its state
    kind = event.get("type")
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known)
    thing = dig(event, "data", "object")
    about, word = EVENTS.get(kind, (None, "ignored"))
    if about is not None and dig(thing, "object") != about:
        return unclear(f"{kind} is not about a {about}.", **known)
    known |= _known(thing, settings)
    if kind.startswith("charge.") and about == "charge" and kind in REPEATED_BY_INTENT and thing.get("payment_intent"):
        word = "ignored"
    money = _money(kind, thing)
    if word == "?":
        word, money = _decide(kind, event, thing, money, settings)
    if word.startswith("unclear"):
        return unclear(word.removeprefix("unclear").lstrip(": "), money=money, **known)
    outcome = Outcome(settings["authorised"] if word == AUTHORISED_MARK else word)
    return _with_details(Message(outcome, money=money, **known), kind, thing, settings)


def _with_details(message: Message, kind: str, thing: Any, settings: Settings) -> Message:
    """The message with what only its outcome has."""
    match message.outcome:
        case Outcome.cancelled:
            return replace(message, uncaptured=kind in LET_GO and settings["authorised"] == "pending")
        case Outcome.disputed:
            return replace(message, answer_by=unix_seconds(dig(thing, "evidence_details", "due_by")))
        case Outcome.charged_back | Outcome.chargeback_reversed | Outcome.refund_failed:
            return replace(message, movement=text(thing.get("id")))
    # One refund event gives back one sum: `amount_refunded` less what it was before.
    return name_refund(message)


def _known(thing: Any, settings: Settings) -> dict[str, Any]:
    """Order number and transaction, by the kind of object."""
    kind = dig(thing, "object")
    order = text(dig_object(thing, "metadata").get(settings["order_key"]))
    email = text(dig(thing, "receipt_email")) or text(dig(thing, "customer_details", "email"))
    known: dict[str, Any] = {"order_number": order, "customer": email}
    if kind == "checkout.session":
        known["order_number"] = order or text(dig(thing, "client_reference_id"))
        known["transaction_id"] = _id(thing.get("payment_intent")) or text(thing.get("id"))
    elif kind == "payment_intent":
        known["transaction_id"] = text(thing.get("id"))
    elif kind == "charge":
        known["transaction_id"] = _id(thing.get("payment_intent")) or text(thing.get("id"))
    elif kind in ("refund", "dispute"):
        known["transaction_id"] = _id(thing.get("payment_intent")) or _id(thing.get("charge"))
    else:
        return {}
    return known


def _id(value: Any) -> str | None:
    """A field that can hold an id or the expanded object."""
    return text(value.get("id")) if isinstance(value, dict) else text(value)


def _money(kind: str, thing: Any) -> Money | None:
    names = {
        "checkout.session": "amount_total",
        "payment_intent": {
            "payment_intent.succeeded": "amount_received",
            "payment_intent.amount_capturable_updated": "amount_capturable",
        }.get(kind, "amount"),
        "charge": "amount_captured" if kind == "charge.captured" and "amount_captured" in thing else "amount",
        "refund": "amount",
        "dispute": "amount",
    }
    name = names.get(str(dig(thing, "object")))
    # Until 2025-03-31 a session with Adaptive Pricing speaks in the customer's currency, and here in the shop's.
    conversion = dig(thing, "currency_conversion")
    if name == "amount_total" and isinstance(conversion, dict):
        return _stripe_money(conversion.get("amount_total"), conversion.get("source_currency"))
    return _stripe_money(thing.get(name), thing.get("currency")) if name else None


def _stripe_money(value: Any, currency: Any) -> Money | None:
    """Whole JSON numbers and a currency in lower case, in Stripe's own exponents."""
    if not isinstance(value, int) or isinstance(value, bool) or not isinstance(currency, str):
        return None
    return minor(value, currency, DECIMALS.get(currency.upper(), 2))


def _decide(
    kind: str, event: dict[str, Any], thing: dict[str, Any], money: Money | None, settings: Settings
) -> tuple[str, Money | None]:
    """The word for an event whose object's own state decides; and the money it is about."""
    status = thing.get("status")
    if kind.startswith("checkout.session."):
        return _decide_session(kind, thing, money), money
    if kind == "payment_intent.succeeded":
        return "paid" if status == "succeeded" else f"unclear: the payment's status is {status!r}", money
    if kind == "payment_intent.amount_capturable_updated":
        if thing.get("amount_capturable") == 0:
            return "ignored", money
        return (
            AUTHORISED_MARK if status == "requires_capture" else f"unclear: the payment's status is {status!r}",
            money,
        )
    if kind == "charge.succeeded":
        return "paid" if thing.get("captured") is True else AUTHORISED_MARK, money
    if kind == "charge.refunded":
        return _decide_refund(event, thing, settings)
    if kind == "charge.dispute.updated":
        return "disputed" if status in TO_ANSWER else "ignored", money
    if kind == "charge.dispute.closed":
        return CLOSED.get(str(status)) or f"unclear: the dispute's status is {status!r}", money
    # refund.*: charge.refunded has told of the refund, but not that it failed afterwards.
    return "refund_failed" if status in ("failed", "canceled") else "ignored", money


def _decide_session(kind: str, thing: dict[str, Any], money: Money | None) -> str:
    if thing.get("mode") == "setup" and kind == "checkout.session.completed":
        return "ignored"
    status = thing.get("payment_status")
    if status == "paid":
        return "paid"
    if kind == "checkout.session.completed":
        if status == "unpaid":
            return "pending"
        if status == "no_payment_required" and money is not None and money.minor == 0:
            return "paid"
    return f"unclear: the session's payment status is {status!r}"


def _decide_refund(event: dict[str, Any], thing: dict[str, Any], settings: Settings) -> tuple[str, Money | None]:
    currency = thing.get("currency")
    total, before = thing.get("amount_refunded"), dig(event, "data", "previous_attributes", "amount_refunded")
    before = before if before is not None else 0
    if thing.get("captured") is not True:  # an authorisation let go
        money = _stripe_money(thing.get("amount_refunded"), currency)
        return ("ignored" if thing.get("payment_intent") else "cancelled"), money
    if type(total) is not int or type(before) is not int:
        return "unclear: the refunded amount can't be read", None
    if total - before <= 0:
        return "unclear: nothing was refunded", None
    added = total - before
    if settings["authorised"] == "pending":  # else the whole authorisation was booked, and all of this goes back
        rest = _rest_counted_as_refunded(event, thing)
        added = max(total - rest, 0) - max(before - rest, 0)
    return ("refunded", _stripe_money(added, currency)) if added else ("ignored", None)


def _rest_counted_as_refunded(event: dict[str, Any], charge: dict[str, Any]) -> int:
    """How much of `amount_refunded` was only never captured, once that has been let go."""
    amount, captured = charge.get("amount"), charge.get("amount_captured")
    if str(event.get("api_version") or "") >= REFUNDS_ONLY or type(amount) is not int or type(captured) is not int:
        return 0
    return max(amount - captured, 0)
