"""Przelewy24 (REST v1): hashed JSON, and a call that must confirm each payment. https://developers.przelewy24.pl/"""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.values import Answer, Ask, Asking, Message, NoAnswer, Outcome, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import basic, read_answer, unreachable
from .kit.errors import ReadError
from .kit.json import dig, read_object, text
from .kit.messages import name_refund, no_money_no_decision, unclear, unreadable
from .kit.money import hundredths, in_hundredths
from .kit.signatures import first_match, same_hex

# A payment is only told when it is paid. A refund's status -> our word
REFUND = {0: "refunded", 1: "ignored"}

# What is hashed, in this order, with the CRC key behind it
PAYMENT_SIGNED = "merchantId posId sessionId amount originAmount currency orderId methodId statement".split()
REFUND_SIGNED = "orderId sessionId refundsUuid merchantId amount currency status".split()
VERIFY_SIGNED = "sessionId orderId amount currency".split()
VERIFY_SENT = "merchantId posId sessionId amount currency orderId".split()

APIS = ("https://secure.przelewy24.pl", "https://sandbox.przelewy24.pl")


class Przelewy24(Gateway):
    name = "przelewy24"
    title = "Przelewy24"
    letters = "P2"
    docs = "https://developers.przelewy24.pl/index.php?en"
    check = "SHA-384 of the fields and the CRC key inside the JSON, then Przelewy24 is asked to confirm the payment"
    tested = "mnastalski/przelewy24-php, node-przelewy24, and their tests"
    area = Area.europe
    countries = "Poland"
    steps = (
        Step(
            "In Przelewy24's panel, under My data > API data and configuration, copy the CRC key and the key for "
            "reports, and enter both here with merchant ID and POS ID.",
            "https://panel.przelewy24.pl/",
        ),
        Step(
            "Where the panel asks which addresses may use the API, enter this server's.",
        ),
        Step(
            "Have your shop send this account's address as urlStatus with each transaction.",
            "https://developers.przelewy24.pl/index.php?en",
        ),
        Step(
            "Have your shop send the order number as sessionId.",
        ),
        Step(
            "Make a payment in the sandbox, which has accounts and keys of its own.",
            "https://sandbox.przelewy24.pl/panel/",
        ),
    )
    settings = (
        Setting(
            "merchant_id",
            "Merchant ID",
            Kind.number,
            "Przelewy24 panel > My data > Account ID.",
            required=True,
        ),
        Setting(
            "pos_id", "POS ID", Kind.number, "The shop's ID; the merchant ID where there is one shop.", required=True
        ),
        Setting(
            "crc_keys",
            "CRC keys",
            Kind.secrets,
            "Przelewy24 panel > My data > API data and configuration > CRC key.",
            required=True,
        ),
        Setting(
            "api_key",
            "API key",
            Kind.secret,
            "Przelewy24 panel > My data > API data and configuration > Key for reports.",
            required=True,
        ),
        Setting(
            "api",
            "API address",
            Kind.choice,
            "The sandbox has accounts and keys of its own.",
            default=APIS[0],
            choices=APIS,
        ),
    )

    def asks(self, settings: Settings) -> bool:
        return True

    def key_question(self, settings: Settings) -> Ask | None:
        if not settings["api_key"]:
            return None
        return Ask("GET", f"{settings['api']}/api/v1/testAccess", (basic(settings["pos_id"], settings["api_key"]),))

    def verify(self, request: Request, settings: Settings) -> Verification | Asking:
        try:
            notice = read_object(request.body, strict_names=True)
            signed = _signed_part(notice)
        except ReadError as error:
            return Verification.not_genuine(f"It can't be read: {error}.", unreadable=True)
        sign = text(notice.get("sign"))
        matched = first_match(settings["crc_keys"], lambda crc: same_hex(sign, _digest(signed, crc)))
        if matched is None:
            return Verification.not_genuine("The hash fits no live CRC key.")
        if notice["merchantId"] != settings["merchant_id"]:
            return Verification.not_genuine("It is about another Przelewy24 merchant.")
        if _is_refund(notice):
            return Verification.genuine(matched=matched)
        if notice["posId"] != settings["pos_id"]:
            return Verification.not_genuine("It is about another shop of the merchant.")
        return _ask(notice, matched, settings)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            notice = read_object(request.body, strict_names=True)
        except ReadError as error:
            return (unreadable(error),)
        return (_message(notice, evidence),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        if message.outcome not in (Outcome.paid, Outcome.refunded) or message.money is None:
            return None
        transaction, amount = message.transaction_id or "", in_hundredths(message.money)
        notice: dict[str, Any] = {
            "merchantId": settings["merchant_id"],
            "sessionId": message.order_number or "",
            "orderId": int(transaction) if transaction.isdecimal() else zlib.crc32(transaction.encode()),
            "amount": amount,
            "currency": message.money.currency,
        }
        if message.outcome is Outcome.refunded:
            refund = str(uuid.uuid5(uuid.NAMESPACE_URL, message.event_id or ""))
            notice |= {"requestId": refund, "refundsUuid": refund, "timestamp": int(at.timestamp()), "status": 0}
            answers: tuple[Answer, ...] = ()
        else:
            notice |= {"posId": settings["pos_id"], "originAmount": amount, "methodId": 154, "statement": "p24-AAA-BBB"}
            answers = (Answer(200, b'{"data":{"status":"success"},"responseCode":0}'),)
        notice["sign"] = _digest(_signed_part(notice), settings["crc_keys"][0]).hex()
        headers = (("Content-Type", "application/json"),)
        body = json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at), answers)


def _is_refund(notice: dict[str, Any]) -> bool:
    return "refundsUuid" in notice


def _signed_part(notice: dict[str, Any]) -> dict[str, Any]:
    names = REFUND_SIGNED if _is_refund(notice) else PAYMENT_SIGNED
    for name in names:
        if name not in notice:
            raise ReadError(f"the field {name} is missing")
        if not isinstance(notice[name], str | int | None):
            raise ReadError(f"the field {name} is neither text nor a whole number")
    return {name: notice[name] for name in names}


def _digest(signed: dict[str, Any], crc: str) -> bytes:
    """Compact JSON, letters and slashes as they are."""
    compact = json.dumps(signed | {"crc": crc}, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha384(compact.encode("utf-8", "surrogatepass")).digest()


def _ask(notice: dict[str, Any], matched: int, settings: Settings) -> Asking:
    """Without this call the money stays an advance and is not paid out."""
    sign = _digest({name: notice[name] for name in VERIFY_SIGNED}, settings["crc_keys"][matched]).hex()
    body = json.dumps({name: notice[name] for name in VERIFY_SENT} | {"sign": sign})
    headers = (basic(settings["pos_id"], settings["api_key"]), ("Content-Type", "application/json"))
    answer = yield Ask("PUT", f"{settings['api']}/api/v1/transaction/verify", headers, body.encode())
    if not isinstance(answer, NoAnswer) and 400 <= answer.status < 500 and answer.status not in (401, 403, 429):
        return Verification.genuine(matched=matched, evidence={"refused": answer.status})
    answered = read_answer("Przelewy24", answer)
    if isinstance(answered, Verification):
        return answered
    status = text(dig(answered, "data", "status"))
    if status is None:
        return unreachable("Przelewy24", answer, "without saying whether it confirms the payment")
    return Verification.genuine(matched=matched, evidence={} if status == "success" else {"refused": status})


def _message(notice: dict[str, Any], evidence: Mapping[str, Any]) -> Message:
    known: dict[str, Any] = {
        "order_number": text(notice.get("sessionId")),
        "transaction_id": text(notice.get("orderId")),
        "event_id": text(notice.get("refundsUuid")),
        "money": hundredths(notice.get("amount"), notice.get("currency")),
    }
    if _is_refund(notice):
        status = notice.get("status")
        word = REFUND.get(status) if type(status) is int else None
        if word is None:
            return unclear(f"Przelewy24's refund status {status!r} is not known.", **known)
        # One request can give back several payments.
        own = f"{known['event_id']}:{known['transaction_id']}" if known["event_id"] else None
        return name_refund(no_money_no_decision(Message(Outcome(word), **known)), own)
    if "refused" in evidence:
        return unclear(f"Przelewy24 did not confirm the payment: it answered {evidence['refused']}.", **known)
    return no_money_no_decision(Message(Outcome.paid, **known))
