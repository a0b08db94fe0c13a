"""PayU (REST, GPO Europe): JSON signed with a plain hash of body and second key.

https://developers.payu.com/en/restapi.html#notifications
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import in_hundredths, minor, whole
from .kit.signatures import first_match, same_hex

# PayU's status -> our word; "authorised": what the account's setting says.
ORDER = {
    "COMPLETED": "paid",
    "WAITING_FOR_CONFIRMATION": "authorised",
    "NEW": "pending",
    "PENDING": "pending",
    "CANCELED": "cancelled",
    "REJECTED": "failed",
}
REFUND = {"FINALIZED": "refunded", "PENDING": "ignored", "CANCELED": "ignored"}

HEADERS = ("OpenPayu-Signature", "X-OpenPayU-Signature")
# The header's word, without `-` -> the hash.
ALGORITHMS = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA": "sha256",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
}


class PayU(Gateway):
    name = "payu"
    title = "PayU"
    letters = "PU"
    docs = "https://developers.payu.com/en/restapi.html#notifications"
    check = "hash of the raw body and the second key, in the header OpenPayu-Signature"
    tested = "PayU's openpayu_php and its tests, @ingameltd/payu (npm)"
    area = Area.europe
    countries = "Poland, Czechia, Slovakia, Hungary, Romania"
    steps = (
        Step(
            "In PayU's panel, under Online payments > your shop > Points of sale, copy pos_id and the second key "
            "(MD5), and enter both here.",
            "https://developers.payu.com/en/overview.html",
        ),
        Step(
            "Have your shop send this account's address as notifyUrl with each order.",
            "https://developers.payu.com/en/restapi.html#notifications",
        ),
        Step(
            "Have your shop send the order number as extOrderId.",
        ),
        Step(
            "Make a payment in the sandbox, whose points of sale have keys of their own.",
        ),
    )
    settings = (
        Setting(
            "pos_id",
            "POS ID",
            Kind.text,
            "PayU panel > Online payments > your shop > Points of sale > pos_id.",
            required=True,
        ),
        Setting(
            "second_keys",
            "Second keys",
            Kind.secrets,
            "PayU panel > Online payments > your shop > Points of sale > Configuration keys > Second key (MD5).",
            required=True,
        ),
        Setting(
            "algorithms",
            "Allowed hashes of the signature",
            Kind.choices,
            "MD5, unless PayU has agreed on another with you; a callback signed in another way is refused.",
            default=["md5", "sha256"],
            choices=("md5", "sha1", "sha256", "sha384", "sha512"),
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        parts = _read_signature_header(request)
        if parts is None:
            return Verification.not_genuine("The header OpenPayu-Signature is missing, came twice or can't be read.")
        algorithm = ALGORITHMS.get(parts.get("algorithm", "").upper().replace("-", ""))
        if algorithm is None or algorithm not in (settings["algorithms"] or ()):
            return Verification.not_genuine("The signature names no hash that is allowed.")
        matched = first_match(
            settings["second_keys"],
            lambda key: same_hex(parts.get("signature"), _digest(algorithm, request.body, key)),
        )
        if matched is None:
            return Verification.not_genuine("The signature fits no live second key.")
        try:
            pos_id = dig(read_object(request.body), "order", "merchantPosId")
        except ReadError:
            pos_id = None  # signed but unreadable: genuine, and unclear to interpret
        # Refunds name no point of sale.
        if pos_id is not None and text(pos_id) != settings["pos_id"]:
            return Verification.not_genuine("It is about another PayU point of sale.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            notice = read_object(request.body)
        except ReadError as error:
            return (unreadable(error),)
        if "refund" in notice:
            return (_refund(notice),)
        return (_order(notice, settings),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        words = REFUND if message.outcome is Outcome.refunded else ORDER
        status = next((status for status, word in words.items() if word == message.outcome), None)
        if status is None or message.money is None:
            return None
        ids = {"orderId": message.transaction_id, "extOrderId": message.order_number}
        amount, currency = str(in_hundredths(message.money)), message.money.currency
        if words is REFUND:
            refund = {"refundId": message.event_id, "amount": amount, "currencyCode": currency, "status": status}
            notice: dict[str, Any] = ids | {"refund": refund}
        else:
            order = ids | {
                "orderCreateDate": at.isoformat(),
                "merchantPosId": settings["pos_id"],
                "currencyCode": currency,
                "totalAmount": amount,
                "buyer": {"email": message.customer},
                "status": status,
            }
            notice = {"order": order, "localReceiptDateTime": at.isoformat(), "properties": []}
        body = json.dumps(notice).encode()
        algorithm = (settings["algorithms"] or ["md5"])[0]
        digest = _digest(algorithm, body, settings["second_keys"][0]).hex()
        signature = f"sender=checkout;signature={digest};algorithm={algorithm.upper()};content=DOCUMENT"
        headers = (("Content-Type", "application/json"), (HEADERS[0], signature))
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _read_signature_header(request: Request) -> dict[str, str] | None:
    """The header's parts, in any order, by name. Under its two names it may come once each, saying the same."""
    found = [values for name in HEADERS if (values := request.header_values(name))]
    if not found or len(found[0]) != 1 or any(values != found[0] for values in found):
        return None
    pairs = [part.partition("=") for part in found[0][0].split(";") if part.strip()]
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    return parts if len(parts) == len(pairs) else None


def _digest(algorithm: str, body: bytes, key: str) -> bytes:
    return hashlib.new(algorithm, body + key.encode()).digest()


def _order(notice: dict[str, Any], settings: Settings) -> Message:
    order = dig_object(notice, "order")
    known: dict[str, Any] = {
        "order_number": text(order.get("extOrderId")),
        "transaction_id": text(order.get("orderId")),
        "money": _money(order.get("totalAmount"), order.get("currencyCode")),
        "customer": text(dig(order, "buyer", "email")),
    }
    status = text(order.get("status"))
    if status not in ORDER:
        return _unknown("order", status, known)
    message = no_money_no_decision(Message(our_word(ORDER[status], settings["authorised"]), **known))
    if status == "COMPLETED":
        return replace(message, at=iso(notice.get("localReceiptDateTime")))
    if message.outcome is Outcome.pending:
        return replace(message, at=iso(order.get("orderCreateDate")))
    # "The buyer has not been charged", says PayU.
    return replace(message, uncaptured=status == "CANCELED" and settings["authorised"] == "pending")


def _refund(notice: dict[str, Any]) -> Message:
    refund = dig_object(notice, "refund")
    known: dict[str, Any] = {
        "order_number": text(notice.get("extOrderId")),
        "transaction_id": text(notice.get("orderId")),
        "event_id": text(refund.get("refundId")),
        "money": _money(refund.get("amount"), refund.get("currencyCode")),
        "at": iso(refund.get("statusDateTime")),
    }
    status = text(refund.get("status"))
    if status not in REFUND:
        return _unknown("refund", status, known)
    return name_refund(no_money_no_decision(Message(Outcome(REFUND[status]), **known)))


def _unknown(what: str, status: str | None, known: dict[str, Any]) -> Message:
    return unclear(f'PayU\'s {what} status "{status}" is not known.' if status else f"No {what} status.", **known)


def _money(amount: Any, currency: Any) -> Money | None:
    """Hundredths as text, whatever decimals the currency has."""
    return minor(whole(amount), currency, 2)
