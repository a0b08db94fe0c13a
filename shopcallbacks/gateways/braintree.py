"""Braintree: XML notifications in a form, signed with HMAC-SHA1. Card payments are not told about.

https://developer.paypal.com/braintree/docs/guides/webhooks/overview
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ..domain.values import Message, Outcome, Reply, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import read_form, split_form
from .kit.json import dig, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import day, iso
from .kit.money import major
from .kit.signatures import first_match, read_base64, same_hex

# Kinds about a transaction -> our word for a sale. "status": by the transaction's status. For a credit see below.
TRANSACTION_KINDS = {
    "transaction_settled": "status",
    "transaction_disbursed": "status",
    "subscription_charged_successfully": "status",
    "local_payment_completed": "status",
    "local_payment_funded": "status",
    "transaction_settlement_declined": "failed",  # also after settled: the bank returned the debit
    "subscription_charged_unsuccessfully": "failed",
    "transaction_retried": "pending",
}
STATUSES = {
    **dict.fromkeys("settled settlement_confirmed settling submitted_for_settlement".split(), "paid"),
    "authorized": "authorised",  # what the account's setting says
    **dict.fromkeys("authorizing settlement_pending".split(), "pending"),
    **dict.fromkeys("settlement_declined failed gateway_rejected processor_declined".split(), "failed"),
    **dict.fromkeys("voided authorization_expired".split(), "cancelled"),
}
CREDITS = {"paid": "refunded", "unclear": "unclear"}  # a credit gives money back; till it is done it is ignored
# Other kinds -> our word. All the rest are ignored.
OTHER_KINDS = {
    "local_payment_expired": "cancelled",
    "local_payment_reversed": "cancelled",  # not confirmed: the shop made no transaction in time
    "refund_failed": "refund_failed",
    "dispute_opened": "disputed",
    "dispute_lost": "charged_back",
    "dispute_accepted": "charged_back",
    "dispute_auto_accepted": "charged_back",
    "dispute_won": "chargeback_reversed",
    "dispute_expired": "unclear",  # what becomes of the money then is not said
}
# A retrieval only asks for papers: no money moves, however it ends.
NOT_OF_A_RETRIEVAL = {"dispute_lost", "dispute_accepted", "dispute_auto_accepted", "dispute_expired"}

# The only text we ever sign for whoever asks; so as a payload it is never a notification.
CHALLENGE = re.compile(rb"[a-f0-9]{20,32}")


class Braintree(Gateway):
    name = "braintree"
    title = "Braintree"
    letters = "Bt"
    docs = "https://developer.paypal.com/braintree/docs/guides/webhooks/overview"
    check = "HMAC-SHA1 of the form field bt_payload, in the field bt_signature"
    tested = "braintree 4.48 (Python), 3.40 (npm), Braintree's challenge example"
    methods = ("POST", "GET")
    signs_reply = True
    area = Area.worldwide
    countries = "Europe, the Americas, Asia, Australia"
    steps = (
        Step(
            "In Braintree's Control Panel, in the settings under API, make an API key; enter its public and "
            "private key here, and the merchant ID.",
            "https://www.braintreegateway.com/login",
        ),
        Step(
            "Add the account here first: Braintree checks an address the moment it is entered, and the keys answer it.",
        ),
        Step(
            "In the same settings, under Webhooks, add one with this account's address and tick settled and "
            "declined transactions, local payments, subscriptions and disputes.",
            "https://developer.paypal.com/braintree/docs/guides/webhooks/create",
        ),
        Step(
            "Expect no word of card sales, of which Braintree sends none: their outcome is the answer to your "
            "shop's own call.",
        ),
        Step(
            "Have your shop send the order number as order-id of the transaction.",
        ),
        Step(
            "Check the webhook from there, then make a payment in the sandbox, which has keys of its own.",
            "https://sandbox.braintreegateway.com/login",
        ),
    )
    settings = (
        Setting(
            "keys",
            "API keys",
            Kind.secrets,
            "Braintree Control Panel > settings > API > API keys: public and private key. The first answers "
            "Braintree's check of the address.",
            required=True,
            parts=("public_key", "private_key"),
            keyed=True,
        ),
        Setting(
            "merchant_id",
            "Merchant ID",
            Kind.text,
            "Control Panel > settings > Business > Merchant ID.",
            required=True,
        ),
        Setting(
            "merchant_accounts",
            "Merchant accounts",
            Kind.texts,
            "Control Panel > settings > Business > Merchant accounts. Empty: any of them.",
            default=[],
        ),
        Setting(
            "order_field",
            "Element of the order number",
            Kind.text,
            "The element of the transaction in which your shop puts it: order-id or purchase-order-number.",
            default="order-id",
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        if request.method == "GET":
            if _challenge(request) and settings["keys"]:
                return Verification.genuine("Braintree checks the address.")
            return Verification.not_genuine("It holds no challenge of Braintree's.")
        try:
            form = read_form(request.body)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        if "bt_signature" not in form or "bt_payload" not in form:
            return Verification.not_genuine("bt_signature or bt_payload is missing.")
        payload = form["bt_payload"].encode("utf-8", "replace")
        if not re.fullmatch(rb"[A-Za-z0-9+/=\n]*", payload) or CHALLENGE.fullmatch(payload):
            return Verification.not_genuine("bt_payload is not a notification of Braintree's.")
        pairs = [pair.partition("|") for pair in form["bt_signature"].split("&")]
        matched = first_match(settings["keys"], lambda key: _fits(key, payload, pairs))
        if matched is None:
            return Verification.not_genuine("No signature fits a live pair of keys.")
        try:
            notification = _read(payload)
        except ReadError:
            return Verification.genuine(matched=matched)  # signed but unreadable: unclear to interpret
        if not _is_ours(notification, settings):
            return Verification.not_genuine("It is about another Braintree merchant or merchant account.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        if request.method == "GET":
            return (Message(Outcome.ignored) if _challenge(request) else unclear("It holds no challenge."),)
        try:
            notification = _read(read_form(request.body).get("bt_payload", "").encode("utf-8", "replace"))
        except ReadError as error:
            return (unreadable(error),)
        return (_message(notification, settings),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        challenge = _challenge(request) if request.method == "GET" else None
        if challenge is None or not settings["keys"]:
            return Reply()
        key = settings["keys"][0]
        return Reply(body=f"{key['public_key']}|{_digest(key['private_key'], challenge).hex()}")

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kinds = {
            Outcome.paid: ("transaction_settled", "settled"),
            Outcome.pending: ("transaction_retried", "submitted_for_settlement"),
            Outcome.failed: ("transaction_settlement_declined", "settlement_declined"),
            Outcome.refunded: ("transaction_settled", "settled"),
        }
        if message.outcome not in kinds or message.money is None:
            return None
        kind, status = kinds[message.outcome]
        is_refund = message.outcome is Outcome.refunded
        elements = {
            "id": message.event_id if is_refund else message.transaction_id,
            "status": status,
            "type": "credit" if is_refund else "sale",
            "currency-iso-code": message.money.currency,
            "amount": str(message.money.amount),
            "merchant-account-id": next(iter(settings["merchant_accounts"]), None),
            settings["order_field"]: message.order_number,
            "refunded-transaction-id": message.transaction_id if is_refund else None,
        }
        root = Element("notification")
        SubElement(root, "timestamp", type="datetime").text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        SubElement(root, "kind").text = kind
        transaction = SubElement(SubElement(root, "subject"), "transaction")
        for name, value in elements.items():
            SubElement(transaction, name, {} if value else {"nil": "true"}).text = value
        SubElement(SubElement(transaction, "customer"), "email").text = message.customer
        payload = base64.encodebytes(ElementTree.tostring(root, "UTF-8", xml_declaration=True))
        key = settings["keys"][0]
        signature = f"{key['public_key']}|{_digest(key['private_key'], payload).hex()}"
        body = urlencode({"bt_signature": signature, "bt_payload": payload.decode()}).encode()
        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "Braintree-Webhooks"))
        return Example(Request("POST", "/", b"", headers, body, "127.0.0.1", at))


def _challenge(request: Request) -> bytes | None:
    """The challenge, where it is one and came once."""
    found = [value for name, value in split_form(request.query) if name == b"bt_challenge"]
    return found[0] if len(found) == 1 and CHALLENGE.fullmatch(found[0]) else None


def _digest(private_key: str, payload: bytes) -> bytes:
    key = hashlib.sha1(private_key.encode()).digest()  # nosec B324 - their protocol; it only makes a key
    return hmac.new(key, payload, hashlib.sha1).digest()


def _fits(key: Any, payload: bytes, pairs: list[tuple[str, str, str]]) -> bool:
    private_key = dig(key, "private_key")
    if not private_key:
        return False
    digests = [_digest(private_key, payload + end) for end in (b"", b"\n")]  # the last line end can be lost on the way
    ours = [signature for public_key, _, signature in pairs if public_key == dig(key, "public_key")]
    return any([same_hex(signature, digest) for signature in ours for digest in digests])


# XML: an element that is nil or empty is none.


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ReadError("the XML has a document type, which is not read")


def _read(payload: bytes) -> Element:
    data = read_base64(payload.replace(b"\n", b""))
    if data is None:
        raise ReadError("bt_payload is not base64")
    try:
        parser = ElementTree.XMLParser(target=_NoDoctype())  # nosec B314 - so no entity is known
        root = ElementTree.fromstring(data.lstrip(), parser)  # nosec B314
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ReadError(f"not XML: {error}") from None
    if root.tag != "notification":
        raise ReadError("the XML is not a notification")
    return root


def _child(element: Element | None, name: str) -> Element | None:
    return next((child for child in element if child.tag == name), None) if element is not None else None


def _value(element: Element | None, name: str) -> str | None:
    child = _child(element, name)
    return None if child is None or child.get("nil") == "true" else text(child.text)


def _subject(notification: Element) -> Element | None:
    """What the notification is about: a transaction, subscription, local payment, dispute ..."""
    return next(iter(_child(notification, "subject") or ()), None)


def _transaction(subject: Element | None) -> Element | None:
    if subject is None or subject.tag == "transaction":
        return subject
    holder = _child(subject, "transactions") if subject.tag == "subscription" else subject
    return _child(holder, "transaction")  # of a subscription the first, which is the newest


def _dispute(subject: Element | None) -> Element | None:
    return subject if subject is not None and subject.tag == "dispute" else None


def _is_ours(notification: Element, settings: Settings) -> bool:
    merchant = _value(notification, "source-merchant-id")
    if merchant is not None and merchant != settings["merchant_id"]:
        return False
    subject, ours = _subject(notification), settings["merchant_accounts"]
    accounts = [_value(element, "merchant-account-id") for element in (_transaction(subject), _dispute(subject))]
    return not ours or all(account in ours for account in accounts if account is not None)


def _message(notification: Element, settings: Settings) -> Message:
    kind, subject = _value(notification, "kind"), _subject(notification)
    if kind is None:
        return unclear("The notification has no kind.")
    transaction, dispute = _transaction(subject), _dispute(subject)
    payment_id, own = _value(subject, "payment-id"), _value(transaction, "id")
    about = transaction if dispute is None else dispute
    is_credit = _is_credit(transaction) or kind == "refund_failed"
    known: dict[str, Any] = {
        "order_number": _value(transaction, settings["order_field"]),
        "transaction_id": _value(transaction, "refunded-transaction-id")
        if is_credit
        else own or payment_id or _value(subject, "transaction-id"),
        "carries_on": payment_id if own else None,
        "money": major(
            _value(dispute, "amount-disputed") or _value(about, "amount"), _value(about, "currency-iso-code")
        ),
        "customer": _value(_child(transaction, "customer"), "email"),
        "at": iso(_value(notification, "timestamp")),
    }
    word = _word(kind, transaction, dispute)
    if word == "unclear":
        return unclear(f"Braintree's {kind} with status {_value(about, 'status')} is for a person to look at.", **known)
    message = no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))
    match message.outcome:
        case Outcome.cancelled:
            # Not `voided`: what was submitted for settlement counts as paid, and can be voided still.
            expired = kind in TRANSACTION_KINDS and _value(transaction, "status") == "authorization_expired"
            return replace(message, uncaptured=expired and settings["authorised"] == "pending")
        case Outcome.disputed:
            return replace(message, answer_by=day(_value(dispute, "reply-by-date")))
        case Outcome.charged_back | Outcome.chargeback_reversed:
            return replace(message, movement=_value(dispute, "id"))
        case Outcome.refund_failed:
            return replace(message, movement=own)
    return name_refund(message, own)


def _is_credit(transaction: Element | None) -> bool:
    return _value(transaction, "type") == "credit"


def _word(kind: str, transaction: Element | None, dispute: Element | None) -> str:
    if kind not in TRANSACTION_KINDS:
        is_nothing = kind in NOT_OF_A_RETRIEVAL and _value(dispute, "kind") == "retrieval"
        return "ignored" if is_nothing else OTHER_KINDS.get(kind, "ignored")
    if transaction is None:
        # After local_payment_completed the shop must still make the transaction from the nonce.
        return "pending" if kind == "local_payment_completed" else "unclear"
    word = TRANSACTION_KINDS[kind]
    if word == "status":
        word = STATUSES.get(_value(transaction, "status") or "", "unclear")
    return CREDITS.get(word, "ignored") if _is_credit(transaction) else word
