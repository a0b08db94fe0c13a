"""Authorize.Net webhooks: JSON events signed with HMAC-SHA512 of the raw body, asked about where a key is set.

https://developer.authorize.net/api/reference/features/webhooks.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..domain.values import Answer, Ask, Asking, Message, Money, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import read_answer, unreachable
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import major
from .kit.signatures import first_match, same_hex

PREFIX = "net.authorize.payment."
# The event behind the prefix -> our word by response code: 1 approved, 2 and 3 refused, 4 held.
# "authorised": what the account's setting says.
EVENTS = {
    "authcapture.created": ("paid", "failed", "pending"),
    "capture.created": ("paid", "failed", "pending"),
    "priorAuthCapture.created": ("paid", "failed", "pending"),
    "authorization.created": ("authorised", "failed", "pending"),
    "fraud.approved": ("authorised", "failed", "pending"),
    "fraud.held": ("pending", "pending", "pending"),
    "fraud.declined": ("failed", "failed", "failed"),
    "refund.created": ("refunded", "ignored", "ignored"),
    "void.created": ("refunded", "ignored", "ignored"),  # unasked nobody knows whether anything had been taken
}
COLUMNS = {1: 0, 2: 1, 3: 1, 4: 2}

# Where the gateway is asked its transactionStatus decides instead. "?": by what was voided.
STATUSES = {
    **dict.fromkeys("capturedPendingSettlement settledSuccessfully".split(), "paid"),
    "authorizedPendingCapture": "authorised",
    **dict.fromkeys("underReview FDSPendingReview FDSAuthorizedPendingReview approvedReview".split(), "pending"),
    **dict.fromkeys("declined communicationError generalError failedReview settlementError".split(), "failed"),
    "expired": "cancelled",
    **dict.fromkeys("refundPendingSettlement refundSettledSuccessfully".split(), "refunded"),
    **dict.fromkeys("chargeback returnedItem".split(), "charged_back"),
    "voided": "?",
}
# A refund has a transaction of its own and names its payment only when asked, as refTransId; a void has the id of what
# it voids. Not confirmed.
REFUND, REFUND_TYPE = "refund.created", "refundTransaction"
GIVEN_BACK = (Outcome.refunded, Outcome.charged_back)

API = {
    "production": "https://api.authorize.net/xml/v1/request.api",
    "sandbox": "https://apitest.authorize.net/xml/v1/request.api",
}

TYPES = {Outcome.cancelled: "authOnlyTransaction", Outcome.refunded: REFUND_TYPE}  # in examples
BAD_LOGIN = "E00007"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # its answers begin with one
AMOUNT = "{amount}"  # in examples, where the number goes


class AuthorizeNet(Gateway):
    name = "authorizenet"
    title = "Authorize.Net"
    letters = "AN"
    docs = "https://developer.authorize.net/api/reference/features/webhooks.html"
    check = (
        "HMAC-SHA512 of the raw body, in the header X-ANET-Signature; the transaction is asked for where a key is set"
    )
    tested = "openssl, and two examples from Authorize.Net's forum: no package checks it"
    longest_number = 20  # invoiceNumber and merchantReferenceId alike
    area = Area.americas
    countries = "United States, Canada, Australia"
    steps = (
        Step(
            "In the Merchant Interface, under Account > Settings > API Credentials & Keys, make a new signature "
            "key and enter it here.",
            "https://account.authorize.net/",
        ),
        Step(
            "Under Account > Settings > Webhooks add an endpoint with this account's address, and make it active.",
        ),
        Step(
            "Tick the payment events: authorisation, capture, refund, void and fraud.",
            "https://developer.authorize.net/api/reference/features/webhooks.html",
        ),
        Step(
            "Have your shop send the order number as the invoice number, of 20 characters at most, or as "
            "merchantReferenceId if that is chosen here.",
        ),
        Step(
            "Enter API login ID and transaction key too, so that each transaction is asked for and a void is told "
            "from a refund.",
        ),
        Step(
            "Pay in the sandbox, which has accounts and keys of its own.",
            "https://sandbox.authorize.net/",
        ),
    )
    settings = (
        Setting(
            "signature_keys",
            "Signature keys",
            Kind.secrets,
            "Merchant Interface > Account > Settings > API Credentials & Keys > New Signature Key, 128 digits.",
            required=True,
        ),
        Setting(
            "order_field",
            "Field of the order number",
            Kind.choice,
            "Where your shop puts the order number when it makes the transaction.",
            default="invoiceNumber",
            choices=("invoiceNumber", "merchantReferenceId"),
        ),
        Setting(
            "currency",
            "Currency",
            Kind.text,
            "The currency of the merchant account, like USD: the callbacks do not say it.",
            required=True,
        ),
        AUTHORISED,
        Setting(
            "environment",
            "Environment",
            Kind.choice,
            "Sandbox accounts are a system of their own.",
            default="production",
            choices=("production", "sandbox"),
        ),
        Setting(
            "api_login",
            "API login ID",
            Kind.text,
            "Merchant Interface > Account > Settings > API Credentials & Keys. Only together with a transaction key.",
        ),
        Setting(
            "transaction_key",
            "Transaction key",
            Kind.secret,
            "With it every transaction is asked for, and its state decides. Without it a void counts as a refund.",
        ),
    )

    def asks(self, settings: Settings) -> bool:
        return bool(settings["transaction_key"])

    def key_question(self, settings: Settings) -> Ask | None:
        return _question("authenticateTestRequest", {}, settings) if self.asks(settings) else None

    def takes_key(self, answer: Answer) -> bool | None:
        """It answers 200 to whoever asks."""
        details = read_answer("Authorize.Net", _without_mark(answer))
        if isinstance(details, Verification):
            return None
        if dig(details, "messages", "resultCode") == "Ok":
            return True
        return False if BAD_LOGIN in _codes(details) else None

    def verify(self, request: Request, settings: Settings) -> Verification | Asking:
        prefix, _, signature = (request.header("X-ANET-Signature") or "").partition("=")
        if prefix != "sha512":
            return Verification.not_genuine(
                "The header X-ANET-Signature is missing, came twice or does not begin with sha512=."
            )
        matched = first_match(
            settings["signature_keys"],
            lambda key: same_hex(signature, _digest(key, request.body)),
        )
        if matched is None:
            return Verification.not_genuine("No signature fits a live signature key.")
        transaction_id = self._to_ask_about(request, settings)
        return _ask(transaction_id, settings, matched) if transaction_id else Verification.genuine(matched=matched)

    def _to_ask_about(self, request: Request, settings: Settings) -> str | None:
        """The id of the transaction that decides; None where nothing is asked."""
        (message,) = self.interpret(request, settings, {})
        if not self.asks(settings) or message.outcome is Outcome.ignored or message.unreadable:
            return None
        transaction_id = text(dig(read_object(request.body), "payload", "id"))
        return transaction_id if _is_id(transaction_id) else None

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        test = settings["environment"] == "sandbox"
        try:
            event = read_object(request.body)
        except ReadError as error:
            return (unreadable(error, test=test),)
        known = {"event_id": text(event.get("notificationId")), "test": test, "at": iso(event.get("eventDate"))}
        return (_message(event, settings, dig_object(evidence, "transaction"), known),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kinds = {
            Outcome.paid: ("authcapture.created", 1, "capturedPendingSettlement"),
            Outcome.pending: ("fraud.held", 4, "FDSPendingReview"),
            Outcome.failed: ("authcapture.created", 2, "declined"),
            Outcome.refunded: ("refund.created", 1, "refundPendingSettlement"),
        }
        if self.asks(settings):
            kinds[Outcome.cancelled] = ("void.created", 1, "voided")
        money = message.money
        if message.outcome not in kinds or money is None or money.currency != settings["currency"]:
            return None  # it has no words for another currency than the account's
        kind, code, status = kinds[message.outcome]
        is_refund = message.outcome is Outcome.refunded
        payment_id = _digits(message.transaction_id)
        transaction_id = _digits(message.event_id) if is_refund else payment_id
        event = {
            "notificationId": message.event_id,
            "eventType": f"{PREFIX}{kind}",
            "eventDate": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "webhookId": "00000000-0000-4000-8000-000000000000",
            "payload": {
                "responseCode": code,
                "authAmount": AMOUNT,
                settings["order_field"]: message.order_number,
                "entityName": "transaction",
                "id": transaction_id,
            },
        }
        transaction = {
            "transId": transaction_id,
            "transactionType": TYPES.get(message.outcome, "authCaptureTransaction"),
            "transactionStatus": status,
            "responseCode": code,
            "order": {"invoiceNumber": message.order_number},
            "authAmount": AMOUNT,
            "settleAmount": AMOUNT,
            "customer": {"email": message.customer},
        }
        if is_refund:
            transaction["refTransId"] = payment_id
        body = _write(event, money)
        headers = (
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-ANET-Signature", f"sha512={_digest(settings['signature_keys'][0], body).hex().upper()}"),
        )
        details = _write({"transaction": transaction, "messages": {"resultCode": "Ok"}}, money)
        answers = (Answer(200, BYTE_ORDER_MARK + details),) if self.asks(settings) else ()
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at), answers)


def _digest(key: str, body: bytes) -> bytes:
    # The key is the text of 128 digits, not the bytes they stand for (the older SIM decodes the same key).
    return hmac.new(key.encode(), body, hashlib.sha512).digest()


def _write(value: dict[str, Any], money: Money) -> bytes:
    """As JSON, with all decimals of the amount, as Authorize.Net signs them."""
    return json.dumps(value, separators=(",", ":")).replace(json.dumps(AMOUNT), f"{money.amount:f}").encode()


def _digits(value: str | None) -> str:
    """An id as Authorize.Net has them, made from another."""
    return re.sub(r"[^0-9]", "", value or "")[-20:] or "1"


def _is_id(transaction_id: str | None) -> bool:
    return re.fullmatch(r"\d{1,20}", transaction_id or "", re.ASCII) is not None


def _ask(transaction_id: str, settings: Settings, matched: int) -> Asking:
    """Asks for the transaction: the event does not say whether a released or voided one had been captured."""
    answer = yield _question("getTransactionDetailsRequest", {"transId": transaction_id}, settings)
    if isinstance(answer, Answer):
        answer = _without_mark(answer)
    details = read_answer("Authorize.Net", answer)
    if isinstance(details, Verification):
        return details
    transaction = dig_object(details, "transaction")
    if dig(details, "messages", "resultCode") == "Ok" and text(transaction.get("transId")) == transaction_id:
        return Verification.genuine(matched=matched, evidence={"transaction": transaction})
    codes = _codes(details)
    if "E00040" in codes:
        return Verification.not_genuine("Authorize.Net has no such transaction in this account.")
    return unreachable("Authorize.Net", answer, f"without the transaction ({', '.join(codes) or 'no reason given'})")


def _question(name: str, more: dict[str, str], settings: Settings) -> Ask:
    """Its members in this order."""
    login = {"name": settings["api_login"], "transactionKey": settings["transaction_key"]}
    return Ask(
        "POST",
        API["sandbox" if settings["environment"] == "sandbox" else "production"],
        (("Content-Type", "application/json"),),
        json.dumps({name: {"merchantAuthentication": login, **more}}).encode(),
    )


def _without_mark(answer: Answer) -> Answer:
    return replace(answer, body=answer.body.removeprefix(BYTE_ORDER_MARK))


def _codes(details: dict[str, Any]) -> list[str]:
    messages = dig(details, "messages", "message")
    return [str(dig(one, "code")) for one in messages] if isinstance(messages, list) else []


def _message(event: dict[str, Any], settings: Settings, transaction: dict[str, Any], known: dict[str, Any]) -> Message:
    kind, payload = event.get("eventType"), dig_object(event, "payload")
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known)
    words = EVENTS.get(kind.removeprefix(PREFIX))
    if words is None or not kind.startswith(PREFIX):
        return Message(Outcome.ignored, **known)
    if payload.get("entityName") != "transaction":
        return unclear("The event is not about a transaction.", **known)
    own = text(payload.get("id"))
    is_refund = kind.removeprefix(PREFIX) == REFUND
    known |= {
        "transaction_id": None if is_refund else own,
        "order_number": text(payload.get(settings["order_field"])),
        "money": major(payload.get("authAmount"), settings["currency"]),
    }
    if transaction:
        return _asked_message(transaction, is_refund, own, settings, known)
    if settings["transaction_key"] and not _is_id(own):
        return unclear("The transaction's id is not a number, so Authorize.Net can't be asked.", **known)
    outcome = our_word(_word_of_code(payload.get("responseCode"), words), settings["authorised"])
    return _decided(outcome, f"response code {payload.get('responseCode')!r}", own, known)


def _asked_message(
    transaction: dict[str, Any], is_refund: bool, own: str | None, settings: Settings, known: dict[str, Any]
) -> Message:
    word = _word_of_status(transaction)
    outcome = our_word(word, settings["authorised"])
    amount = transaction.get("settleAmount" if outcome in (Outcome.paid, *GIVEN_BACK) else "authAmount")
    known |= {"money": major(amount, settings["currency"]), "customer": text(dig(transaction, "customer", "email"))}
    if settings["order_field"] == "invoiceNumber":
        known["order_number"] = text(dig(transaction, "order", "invoiceNumber"))
    if is_refund or word == "charged_back" or transaction.get("transactionType") == REFUND_TYPE:
        known["transaction_id"] = text(transaction.get("refTransId"))
        if outcome not in (*GIVEN_BACK, Outcome.unclear):
            return Message(Outcome.ignored, **known)  # what became of a refund is not what became of the payment
    if outcome is Outcome.cancelled:
        # Not confirmed: that an authorisation, once captured, no longer calls itself authOnlyTransaction.
        known["uncaptured"] = settings["authorised"] == "pending"
    return _decided(outcome, f"status {transaction.get('transactionStatus')!r}", own, known)


def _decided(outcome: Outcome, said: str, own: str | None, known: dict[str, Any]) -> Message:
    if outcome is Outcome.unclear:
        return unclear(f"Authorize.Net's {said} is not known.", **known)
    message = no_money_no_decision(Message(outcome, **known))
    if outcome is Outcome.charged_back:
        return replace(message, movement=own)
    # A refund has a transaction of its own, a void that of its payment, which can be voided once.
    return name_refund(message, own)


def _word_of_code(code: Any, words: tuple[str, str, str]) -> str:
    if len(set(words)) == 1:
        return words[0]
    return words[COLUMNS[code]] if type(code) is int and code in COLUMNS else "unclear"


def _word_of_status(transaction: dict[str, Any]) -> str:
    word = STATUSES.get(str(transaction.get("transactionStatus")), "unclear")
    if word != "?":
        return word
    return "cancelled" if transaction.get("transactionType") == "authOnlyTransaction" else "refunded"
