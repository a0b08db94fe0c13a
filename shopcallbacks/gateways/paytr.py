"""PayTR: a form whose order, status and amount are signed with HMAC-SHA256.

https://dev.paytr.com/en/iframe-api/iframe-api-2-adim
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Reply, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form
from .kit.json import text
from .kit.messages import no_money_no_decision, unclear, unreadable
from .kit.money import minor, whole
from .kit.signatures import first_match, same_base64

# PayTR's status -> our word.
STATUSES = {"success": Outcome.paid, "failed": Outcome.failed}

CURRENCIES = {"TL": "TRY"}  # PayTR's own word


class PayTR(Gateway):
    name = "paytr"
    title = "PayTR"
    letters = "Py"
    docs = "https://dev.paytr.com/en/iframe-api/iframe-api-2-adim"
    check = "HMAC-SHA256 of order, salt, status and amount, in the form field hash"
    tested = "paytr-python"
    area = Area.europe
    countries = "Türkiye (Turkey)"
    steps = (
        Step(
            "In PayTR's Merchant Panel, under Support & Setup > Info, copy merchant ID, key and salt, and enter "
            "them here.",
            "https://www.paytr.com/",
        ),
        Step(
            "In the panel's settings enter this account's address as the notification URL (Bildirim URL).",
            "https://dev.paytr.com/en/iframe-api/iframe-api-2-adim",
        ),
        Step(
            "Have your shop send the order number as merchant_oid, in letters and digits only.",
        ),
        Step(
            "Make a payment with test_mode=1, which moves no money.",
        ),
    )
    settings = (
        Setting(
            "merchant_id", "Merchant ID", Kind.text, "PayTR Merchant Panel > Support & Setup > Info.", required=True
        ),
        Setting(
            "keys",
            "Merchant key and salt",
            Kind.secrets,
            "PayTR Merchant Panel > Support & Setup > Info: Merchant Key and Merchant Salt.",
            required=True,
            parts=("merchant_key", "merchant_salt"),
        ),
        Setting(
            "api",
            "API of the shop",
            Kind.choice,
            "iframe: customers pay in your shop, on PayTR's form or page. link: they pay by payment links (PayTR's "
            "Link API), whose callbacks carry a callback_id.",
            default="iframe",
            choices=("iframe", "link"),
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = read_form(request.body)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        missing = next((name for name in ("merchant_oid", "status", "total_amount", "hash") if name not in form), None)
        if missing:
            return Verification.not_genuine(f"The field {missing} is missing.")
        # It is signed right in front of the order: where anyone may add it, it takes the order's first digits.
        if "callback_id" in form and settings["api"] != "link":
            return Verification.not_genuine(
                "It has a callback_id, which only PayTR's Link API sends. If the shop uses that, choose link in this "
                'account\'s setting "API of the shop".'
            )
        matched = first_match(settings["keys"], lambda keys: same_base64(form["hash"], _digest(form, *keys)))
        if matched is None:
            return Verification.not_genuine("The hash fits no live pair of key and salt.")
        if form.get("merchant_id", settings["merchant_id"]) != settings["merchant_id"]:
            return Verification.not_genuine("It is about another PayTR merchant.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_form(request.body)),)
        except ReadError as error:
            return (unreadable(error),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        return Reply(body="OK")  # anything around it, and PayTR sends the callback again every minute

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        status = next((word for word, outcome in STATUSES.items() if outcome is message.outcome), None)
        if status is None or message.money is None:
            return None
        amount = str(int(message.money.amount.scaleb(2)))
        fields = {
            "merchant_oid": message.order_number or "",
            "status": status,
            "total_amount": amount,
            "payment_type": "card",
            "payment_amount": amount,
            "currency": "TL" if message.money.currency == "TRY" else message.money.currency,
            "installment_count": "1",
            "merchant_id": settings["merchant_id"],
            "test_mode": "1" if message.test else "0",
        }
        digest = _digest(fields, *settings["keys"][0])
        return Example(form_request(fields | {"hash": base64.b64encode(digest).decode()}, at))


def _digest(form: Mapping[str, str], key: str, salt: str) -> bytes:
    """Only the Link API sends callback_id."""
    signed = form.get("callback_id", "") + form["merchant_oid"] + salt + form["status"] + form["total_amount"]
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()


def _message(form: dict[str, str]) -> Message:
    currency = form.get("currency", "")
    test_mode = form.get("test_mode")
    known: dict[str, Any] = {
        "order_number": text(form.get("merchant_oid")),
        "money": minor(whole(form.get("total_amount")), CURRENCIES.get(currency, currency), 2),
        "at_least": True,  # the signed sum holds the interest of instalments; the order's own is not signed
        "test": None if test_mode is None else test_mode == "1",
    }
    status = form.get("status")
    if status not in STATUSES:
        return unclear(f'PayTR\'s status "{status}" is not known.' if status else "It has no status.", **known)
    return no_money_no_decision(Message(STATUSES[status], **known))
