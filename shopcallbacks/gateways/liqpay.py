"""LiqPay: JSON as base64 in a form, signed with a hash of key, text and key.

https://www.liqpay.ua/documentation/en/api/callback
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form
from .kit.json import read_object, text
from .kit.messages import name_refund, no_money_no_decision, unclear, unreadable
from .kit.moments import unix_milliseconds
from .kit.money import major
from .kit.signatures import first_match, read_base64, same_base64

# LiqPay's status -> our word. Any other that ends in `_verify` is pending too.
STATUSES = {
    "success": "paid",
    "sandbox": "paid",  # a test payment
    **dict.fromkeys("failure error".split(), "failed"),
    "reversed": "refunded",
    **dict.fromkeys("processing prepared hold_wait cash_wait invoice_wait".split(), "pending"),
    **dict.fromkeys("wait_secure wait_card wait_lc wait_reserve wait_compensation".split(), "pending"),
    **dict.fromkeys("wait_qr wait_sender".split(), "pending"),
    "wait_accept": "pending",  # the payer was charged, but LiqPay has not approved the shop yet
    **dict.fromkeys("subscribed unsubscribed".split(), "ignored"),
}

# What the old protocol signs, in this order. Nothing else of its form counts.
LEGACY_FIELDS = "amount currency public_key order_id type description status transaction_id sender_phone".split()
# It puts nothing between them, so each must look as LiqPay writes it: else an order's last digit can be put before the
# type, or the phone number behind the transaction, which has fewer digits than that.
LEGACY_FORMS = {
    "type": re.compile(r"buy|donate|subscribe"),
    "transaction_id": re.compile(r"\d{0,11}", re.ASCII),
    "sender_phone": re.compile(r"(\+?\d{12})?", re.ASCII),
}


class LiqPay(Gateway):
    name = "liqpay"
    title = "LiqPay"
    letters = "LQ"
    docs = "https://www.liqpay.ua/documentation/en/api/callback"
    check = "hash of private key, data and private key, in the form field signature"
    tested = "liqpay/sdk-php, liqpay-api (npm), LiqPay's published example"
    area = Area.europe
    countries = "Ukraine"
    steps = (
        Step(
            "In LiqPay, under your shop's Settings > API keys, copy the public and the private key, and enter both "
            "here.",
            "https://www.liqpay.ua/",
        ),
        Step(
            "Have your shop send this account's address as server_url with each payment.",
            "https://www.liqpay.ua/documentation/en/api/callback",
        ),
        Step(
            "Have your shop send the order number as order_id.",
        ),
        Step(
            "Pay once with LiqPay's test keys, which begin with sandbox_, in an account of their own in test mode.",
        ),
    )
    settings = (
        Setting(
            "public_key",
            "Public key",
            Kind.text,
            "LiqPay > your shop > Settings > API keys.",
            required=True,
            test_keys=("sandbox_",),
        ),
        Setting(
            "private_keys",
            "Private keys",
            Kind.secrets,
            "LiqPay > your shop > Settings > API keys.",
            required=True,
            test_keys=("sandbox_",),
        ),
        Setting(
            "protocol",
            "Protocol",
            Kind.choice,
            "data: the form has data and signature. legacy: the old protocol, with plain fields.",
            default="data",
            choices=("data", "legacy"),
        ),
        Setting(
            "digest",
            "Hash of the signature",
            Kind.choice,
            "sha1, unless LiqPay's description of your API version names another.",
            default="sha1",
            choices=("sha1", "sha256", "sha3_256"),
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = read_form(request.body)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        signed_names = LEGACY_FIELDS if settings["protocol"] == "legacy" else ["data"]
        missing = next((name for name in (*signed_names, "signature") if name not in form), None)
        if missing:
            return Verification.not_genuine(f"The field {missing} is missing.")
        # The text as it came: JSON that is made anew differs in blanks and escapes.
        signed = "".join(form[name] for name in signed_names)
        matched = first_match(
            settings["private_keys"], lambda key: same_base64(form["signature"], _digest(key, signed, settings))
        )
        if matched is None:
            return Verification.not_genuine("The signature fits no live private key.")
        odd = _odd_field(form) if settings["protocol"] == "legacy" else None
        if odd:
            return Verification.not_genuine(f"The {odd} is none of LiqPay's: what is signed may have been cut anew.")
        try:
            public_key = _read(form, settings).get("public_key", settings["public_key"])
        except ReadError:
            return Verification.genuine(matched=matched)  # signed but unreadable: unclear to interpret
        if public_key != settings["public_key"]:
            return Verification.not_genuine("It is about another LiqPay shop: the public key is not yours.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(_read(read_form(request.body), settings)),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        statuses = {
            Outcome.paid: "sandbox" if message.test else "success",
            Outcome.pending: "wait_accept",
            Outcome.failed: "failure",
            Outcome.refunded: "reversed",
        }
        if message.outcome not in statuses or message.money is None:
            return None
        payment = {
            "action": "pay",
            "type": "buy",
            "description": f"Order {message.order_number}",
            "public_key": settings["public_key"],
            "order_id": message.order_number,
            "currency": message.money.currency,
            "status": statuses[message.outcome],
            "transaction_id": message.transaction_id or "",
            "sender_phone": "380441234567",
        }
        if settings["protocol"] == "legacy":
            fields = payment | {"amount": str(message.money.amount)}
            signed = "".join(str(fields[name]) for name in LEGACY_FIELDS)
        else:
            payment |= {"version": 3, "payment_id": message.transaction_id, "amount": float(message.money.amount)}
            signed = base64.b64encode(json.dumps(payment).encode()).decode()
            fields = {"data": signed}
        signature = base64.b64encode(_digest(settings["private_keys"][0], signed, settings)).decode()
        return Example(form_request(fields | {"signature": signature}, at))


def _digest(key: str, signed: str, settings: Settings) -> bytes:
    """The old protocol has the key in front only."""
    end = "" if settings["protocol"] == "legacy" else key
    return hashlib.new(settings["digest"] or "sha1", f"{key}{signed}{end}".encode()).digest()


def _odd_field(form: dict[str, str]) -> str | None:
    """The first field of the old protocol that is not as LiqPay writes it."""
    return next((name for name, wanted in LEGACY_FORMS.items() if not wanted.fullmatch(form[name])), None)


def _read(form: dict[str, str], settings: Settings) -> dict[str, Any]:
    """The signed content."""
    if settings["protocol"] == "legacy":
        return {name: form[name] for name in LEGACY_FIELDS if name in form}
    data = read_base64(form.get("data", ""))
    if data is None:
        raise ReadError("the field data is not base64")
    return read_object(data)


def _message(payment: dict[str, Any]) -> Message:
    status = text(payment.get("status"))
    amount = payment.get("amount")
    if status == "reversed":
        amount = payment.get("refund_amount", amount)
    known: dict[str, Any] = {
        "order_number": text(payment.get("order_id")),
        "transaction_id": text(payment.get("transaction_id")) or text(payment.get("payment_id")),
        "money": major(amount, payment.get("currency")),
        "at": _at(payment, status),
        "test": status == "sandbox" or str(payment.get("public_key")).startswith("sandbox_"),
    }
    if status is None:
        # Our own payment form is signed by the same rule, and the customer can post it here.
        return unclear("It has no status: this is a payment form of the shop's own, not a result.", **known)
    word = STATUSES.get(status, "pending" if status.endswith("_verify") else None)
    if word is None:
        return unclear(f'LiqPay\'s status "{status}" is not known.', **known)
    return name_refund(no_money_no_decision(Message(Outcome(word), **known)))


def _at(payment: dict[str, Any], status: str | None) -> datetime | None:
    """What these fields mean is recalled. The old protocol does not sign them, so it has none."""
    names = ["refund_date_last"] if status == "reversed" else []
    return unix_milliseconds(next(filter(None, map(payment.get, [*names, "end_date", "create_date"])), None))
