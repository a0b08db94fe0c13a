"""CyberSource Secure Acceptance: a form that names its signed fields, HMAC-SHA256.

https://developer.cybersource.com/docs/cybs/en-us/sa/developer/all/sa-hosted/secure-acceptance/home-merch.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form
from .kit.json import text
from .kit.messages import no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import major
from .kit.signatures import first_match, same_base64

# decision -> our word. "?": decided below, by the transaction's type or the reason.
DECISIONS = {
    "ACCEPT": "?",
    "REVIEW": "pending",
    "DECLINE": "failed",
    "CANCEL": "cancelled",
    "ERROR": "?",
}
TOKENS = {"create_payment_token", "update_payment_token"}  # types that move no money
PARTIAL = "110"  # the reason of an ACCEPT by which less was approved than the shop had asked for
TIMEOUTS = {"150", "151", "152", "250"}  # reasons of an ERROR inside CyberSource: nobody knows whether money moved

# Our own payment form is signed with the same key and rule. Only a result has these, and signed.
RESULT_FIELDS = ("decision", "req_reference_number", "signed_field_names")


class CyberSource(Gateway):
    name = "cybersource"
    title = "CyberSource Secure Acceptance"
    letters = "CS"
    docs = (
        "https://developer.cybersource.com/docs/cybs/en-us/sa/developer/all/sa-hosted/secure-acceptance/home-merch.html"
    )
    check = "HMAC-SHA256 of the fields that signed_field_names lists, in the form field signature"
    tested = "django-oscar-cybersource's signer and its tests"
    area = Area.worldwide
    countries = "Europe, the Americas, Asia, Australia"
    steps = (
        Step(
            "In the Business Center, under Payment Configuration > Secure Acceptance Settings, open your profile "
            "or make one.",
            "https://businesscenter.cybersource.com/",
        ),
        Step(
            "Among the profile's notifications enter this account's address as the merchant POST URL.",
        ),
        Step(
            "Under Security make a key; enter its secret key here, and the profile ID.",
        ),
        Step(
            "Have your shop send the order number as reference_number.",
        ),
        Step(
            "Make the profile active, and pay with a test card in the test Business Center, which has profiles and "
            "keys of its own.",
            "https://businesscentertest.cybersource.com/",
        ),
    )
    settings = (
        Setting(
            "profile_id",
            "Profile ID",
            Kind.text,
            "Business Center > Payment Configuration > Secure Acceptance Settings > your profile.",
            required=True,
        ),
        Setting(
            "secret_keys",
            "Secret keys",
            Kind.secrets,
            "Business Center > Payment Configuration > Secure Acceptance Settings > your profile > Security.",
            required=True,
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = read_form(request.body)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        names = _signed_names(form)
        unsigned = next((name for name in RESULT_FIELDS if name not in names), None)
        if unsigned:
            return Verification.not_genuine(f"The field {unsigned} is not signed.")
        missing = next((name for name in ("signature", *names) if name not in form), None)
        if missing is not None:
            return Verification.not_genuine(f"The field {missing} is missing.")
        matched = first_match(settings["secret_keys"], lambda key: same_base64(form["signature"], _digest(form, key)))
        if matched is None:
            return Verification.not_genuine("The signature fits no live secret key.")
        signed = _signed(form)
        # Nothing is escaped in the signed text: a customer called "X,decision=ACCEPT" must not become a decision.
        if any(f",{name}=" in value for name in names for value in signed.values()):
            return Verification.not_genuine("A signed value imitates a field, so the signature fits two readings.")
        if signed.get("req_profile_id", settings["profile_id"]) != settings["profile_id"]:
            return Verification.not_genuine("It is about another Secure Acceptance profile.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(_signed(read_form(request.body)), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        decisions = {
            Outcome.paid: ("ACCEPT", "100"),
            Outcome.pending: ("REVIEW", "480"),
            Outcome.failed: ("DECLINE", "203"),
            Outcome.cancelled: ("CANCEL", ""),
        }
        if message.outcome not in decisions or message.money is None:
            return None
        decision, reason = decisions[message.outcome]
        fields = {
            "req_reference_number": message.order_number or "",
            "req_amount": str(message.money.amount),
            "req_currency": message.money.currency,
            "req_transaction_type": "sale",
            "req_profile_id": settings["profile_id"],
            "req_bill_to_email": message.customer or "",
            "decision": decision,
            "reason_code": reason,
            "signed_date_time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if decision != "CANCEL":
            fields["transaction_id"] = message.transaction_id or ""
        if decision == "ACCEPT":
            fields["auth_amount"] = str(message.money.amount)
        fields["signed_field_names"] = ",".join((*fields, "signed_field_names"))
        fields["signature"] = base64.b64encode(_digest(fields, settings["secret_keys"][0])).decode()
        return Example(form_request(fields, at))


def _signed_names(form: Mapping[str, str]) -> list[str]:
    return form.get("signed_field_names", "").split(",")


def _signed(form: Mapping[str, str]) -> dict[str, str]:
    """The signed fields that are there; no other field counts."""
    return {name: form[name] for name in _signed_names(form) if name in form}


def _digest(form: Mapping[str, str], key: str) -> bytes:
    """The key is the secret's text itself: its hex digits are not decoded."""
    signed = ",".join(f"{name}={form[name]}" for name in _signed_names(form))
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()


def _message(signed: Mapping[str, str], settings: Settings) -> Message:
    decision = text(signed.get("decision"))
    is_part = decision == "ACCEPT" and signed.get("reason_code") == PARTIAL
    asked = None if is_part else signed.get("req_amount")
    known: dict[str, Any] = {
        "order_number": text(signed.get("req_reference_number")),
        "transaction_id": text(signed.get("transaction_id")),
        "money": major(signed.get("auth_amount", asked), signed.get("req_currency")),
        "customer": text(signed.get("req_bill_to_email")),
        "at": iso(text(signed.get("auth_time")) or signed.get("signed_date_time")),
    }
    if decision is None:
        return unclear("It has no signed decision.", **known)
    if decision not in DECISIONS:
        return unclear(f'CyberSource\'s decision "{decision}" is not known.', **known)
    word = DECISIONS[decision]
    if decision == "ACCEPT":
        kinds = signed.get("req_transaction_type", "")
        word = _word_of(set(kinds.split(",")))
        if word == "unclear":
            return unclear(f'CyberSource accepted a transaction of the type "{kinds}", which is not known.', **known)
    if decision == "ERROR":
        if signed.get("reason_code") in TIMEOUTS:
            return unclear("A time-out inside CyberSource: nobody knows yet whether the money has moved.", **known)
        word = "failed"
    return no_money_no_decision(Message(our_word(word, settings["authorised"]), part=is_part, **known))


def _word_of(kinds: set[str]) -> str:
    """What it means that a transaction of these types was accepted."""
    if "sale" in kinds:
        return "paid"
    if "authorization" in kinds:
        return "authorised"
    return "ignored" if kinds <= TOKENS else "unclear"
