"""Klarna: a callback names an order, its state is asked for. https://docs.klarna.com/klarna-checkout/

Klarna Checkout is Kustom's now, with the same calls at hosts of its own: https://docs.kustom.co/
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from ..domain.values import Answer, Ask, Asking, Message, NoAnswer, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import basic, read_answer
from .kit.errors import ReadError
from .kit.forms import split_form
from .kit.json import dig, read_object, text
from .kit.messages import no_money_no_decision, our_word, unclear
from .kit.moments import iso
from .kit.money import hundredths, in_hundredths

# status -> our word; "?": decided below, by what else the order says
STATUS = {
    "AUTHORIZED": "?",
    "CAPTURED": "paid",
    "PART_CAPTURED": "paid",
    "CANCELLED": "cancelled",
    "EXPIRED": "cancelled",
    "CLOSED": "?",
}
# fraud_status of an authorised order -> our word
FRAUD = {"ACCEPTED": "authorised", "PENDING": "pending", "REJECTED": "failed"}

# Klarna's own hosts served Checkout and its orders until 31 March 2026. What accounts have set stays a choice.
KLARNAS_APIS = tuple(
    f"https://{region}{system}.klarna.com" for system in ("", ".playground") for region in ("api", "api-na", "api-oc")
)
APIS = (*KLARNAS_APIS, "https://api.kustom.co", "https://api.playground.kustom.co")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NO_ORDER = "00000000-0000-4000-8000-000000000000"


class Klarna(Gateway):
    name = "klarna"
    title = "Klarna"
    letters = "Kl"
    docs = "https://docs.klarna.com/klarna-checkout/"
    check = "Nothing is signed: Klarna is asked for the order, and told when the result is stored"
    tested = "an independent reader: there is no signature"
    speaks = False
    area = Area.europe
    countries = "Europe, United States, Canada, Australia, New Zealand"
    much_used = True
    steps = (
        Step(
            "Klarna Checkout is Kustom's now: in Kustom's portal, under Integrations, generate credentials for your "
            "store and enter them here. The password is shown once.",
            "https://portal.kustom.co/",
        ),
        Step(
            "Choose the API address here: api.kustom.co, or its playground for tests. Klarna's own hosts serve no "
            "Checkout any more.",
        ),
        Step(
            "Have your shop send this account's address with each order, as merchant_urls.push, with "
            "?kustom_order_id={checkout.order.id} behind it, and enter kustom_order_id here as the parameter.",
            "https://docs.klarna.com/klarna-checkout/",
        ),
        Step(
            "Have your shop send the order number as merchant_reference1.",
        ),
        Step(
            "Buy something in the playground: the call comes about two minutes later.",
        ),
    )
    settings = (
        Setting(
            "username",
            "API user name",
            Kind.text,
            "Kustom's portal > Integrations > your store. From before: Klarna's Merchant Portal > Settings > Klarna "
            "API Credentials (K..._...).",
            required=True,
        ),
        Setting(
            "password",
            "API password",
            Kind.secret,
            "Shown once, together with the user name.",
            required=True,
            live_keys=("klarna_live_api_", "kco_live_api_"),
            test_keys=("klarna_test_api_", "kco_test_api_"),
        ),
        Setting(
            "api",
            "API address",
            Kind.choice,
            "kustom.co for Klarna Checkout, which is Kustom's since 2026; klarna.com, by region, served it before: "
            "Europe, North America (na), Oceania (oc). Playground is for tests.",
            default=APIS[0],
            choices=APIS,
        ),
        Setting(
            "id_parameter",
            "Parameter of the order id",
            Kind.text,
            "As your shop writes it into the push address: ?kustom_order_id={checkout.order.id} with Kustom, "
            "?klarna_order_id={checkout.order.id} before.",
            default="klarna_order_id",
        ),
        AUTHORISED,
    )

    def asks(self, settings: Settings) -> bool:
        return True

    def key_question(self, settings: Settings) -> Ask | None:
        """For an order that nobody has: whose key is not taken does not hear that."""
        if not settings["password"]:
            return None
        return Ask("GET", _address(NO_ORDER, settings), _headers(settings))

    def takes_key(self, answer: Answer) -> bool | None:
        return True if answer.status == 404 else super().takes_key(answer)

    def verify(self, request: Request, settings: Settings) -> Asking:
        if request.method != "POST":
            return Verification.not_genuine(f"Klarna posts; this came by {request.method}.")
        try:
            named = _pushed(request, settings) or _noticed(request.body)
        except ReadError as error:
            return Verification.not_genuine(f"It can't be read: {error}.", unreadable=True)
        if not UUID.fullmatch(named):
            return Verification.not_genuine("The order id is not one of Klarna's.")
        answer = yield Ask("GET", _address(named, settings), _headers(settings))
        if not isinstance(answer, NoAnswer) and answer.status == 404:
            return Verification.not_genuine("Klarna knows no such order.")
        order = read_answer("Klarna", answer)
        if isinstance(order, Verification):
            return order
        if order.get("order_id") != named:
            return Verification.not_genuine("Klarna answered about another order.")
        return Verification.genuine(evidence={"order": order})

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        order = evidence.get("order")
        if not isinstance(order, dict):
            return (unclear("The callback itself says nothing, only Klarna's answer would."),)
        return _messages(order, settings)

    def acknowledge(self, request: Request, settings: Settings, messages: tuple[Message, ...]) -> Ask | None:
        """Without it a push comes again; notices about the fraud check do not."""
        try:
            pushed = _pushed(request, settings)
        except ReadError:
            return None
        if pushed is None or not any(message.outcome in (Outcome.paid, Outcome.pending) for message in messages):
            return None
        return Ask("POST", f"{_address(pushed, settings)}/acknowledge", _headers(settings))

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        counts = settings["authorised"] != "pending"  # then its first push says that it is paid
        state = {
            Outcome.paid: ("AUTHORIZED" if counts else "CAPTURED", "ACCEPTED"),
            Outcome.pending: ("AUTHORIZED", "PENDING"),
            Outcome.failed: ("AUTHORIZED", "REJECTED"),
            Outcome.cancelled: ("CANCELLED", "ACCEPTED"),
            Outcome.refunded: ("CAPTURED", "ACCEPTED"),
        }.get(message.outcome)
        if state is None or message.money is None:
            return None
        transaction = message.transaction_id or ""
        if not UUID.fullmatch(transaction):
            transaction = str(uuid.uuid5(uuid.NAMESPACE_URL, transaction))
        amount = in_hundredths(message.money)
        order = {
            "order_id": transaction,
            "status": state[0],
            "fraud_status": state[1],
            "order_amount": amount,
            "captured_amount": amount if state[0] == "CAPTURED" else 0,
            "refunded_amount": amount if message.outcome is Outcome.refunded else 0,
            "purchase_currency": message.money.currency,
            "merchant_reference1": message.order_number,
            "created_at": at.isoformat(timespec="milliseconds"),
            "billing_address": {"email": message.customer},
        }
        query = urlencode({settings["id_parameter"]: transaction}).encode()
        request = Request("POST", "/", query, (), b"", "127.0.0.1", at)
        return Example(request, (Answer(200, json.dumps(order).encode()),))


def _pushed(request: Request, settings: Settings) -> str | None:
    """The order id in the address of a push, which has no body. None where it is no push."""
    wanted = (settings["id_parameter"] or "").encode()
    ids = [value for name, value in split_form(request.query) if name == wanted]
    if len(ids) > 1:
        raise ReadError("the order id comes twice in the address")
    return ids[0].decode("latin-1") if ids else None


def _noticed(body: bytes) -> str:
    """The order id in a notice about the fraud check. Its other words are not signed and not read."""
    named = text(read_object(body).get("order_id"))
    if named is None:
        raise ReadError("no order id, neither in the address nor in the body")
    return named


def _address(named: str, settings: Settings) -> str:
    return f"{settings['api']}/ordermanagement/v1/orders/{named}"


def _headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    return (basic(settings["username"], settings["password"]),)


def _messages(order: dict[str, Any], settings: Settings) -> tuple[Message, ...]:
    """All that the order's state tells: the payment, what went back of it, at last that the rest was let go."""
    status, refunded = text(order.get("status")), order.get("refunded_amount")
    known: dict[str, Any] = {
        "order_number": text(order.get("merchant_reference1")),
        "transaction_id": text(order.get("order_id")),
        "money": hundredths(order.get("order_amount"), order.get("purchase_currency")),
        "test": ".playground." in (settings["api"] or ""),
        "customer": text(dig(order, "billing_address", "email")),
    }
    if refunded is not None and (type(refunded) is not int or refunded < 0):
        return (unclear("It can't be read how much of the order was given back.", **known),)
    word = STATUS.get(status or "")
    if status == "AUTHORIZED":
        fraud = text(order.get("fraud_status"))
        word = FRAUD.get(fraud or "")
        status = f"{status}, fraud check {fraud}"
    elif status == "CLOSED":
        word = "paid" if _is_captured(order) else "cancelled"
    if word is None:
        return (unclear(f"Klarna's status {status!r} is not known.", **known),)
    message = Message(our_word(word, settings["authorised"]), **known)
    if message.outcome is Outcome.paid:
        return _paid(message, order, settings)
    if message.outcome is Outcome.cancelled:
        let_go = replace(message, uncaptured=settings["authorised"] == "pending")
        # That an order of which something was captured can still be cancelled, its rest then, is recalled.
        taken = _paid(replace(message, outcome=Outcome.paid), order, settings) if _is_captured(order) else ()
        return *taken, let_go
    is_pending = message.outcome is Outcome.pending
    return (replace(message, at=iso(order.get("created_at")) if is_pending else None),)


def _is_captured(order: dict[str, Any]) -> bool:
    captured = order.get("captured_amount")
    return type(captured) is int and captured > 0


def _paid(payment: Message, order: dict[str, Any], settings: Settings) -> tuple[Message, ...]:
    """The payment: the order's amount where its authorisation counts, else what was captured; and what went back."""
    currency, refunded = order.get("purchase_currency"), order.get("refunded_amount")
    if settings["authorised"] == "pending":
        captured = order.get("captured_amount")
        told = replace(
            payment,
            money=hundredths(captured, currency),
            total=True,
            part=order.get("status") == "PART_CAPTURED",
            movement=f"{payment.transaction_id}:captured:{captured}",
            at=_latest(order.get("captures"), "captured_at"),  # the field is recalled
        )
    else:
        told = replace(payment, at=iso(order.get("created_at")))
    told = no_money_no_decision(told)
    # Nothing can go back before something is captured.
    if told.outcome is not Outcome.paid or refunded is None or not _is_captured(order):
        return (told,)
    given_back = replace(
        payment,
        outcome=Outcome.refunded,
        money=hundredths(refunded, currency),
        total=True,  # so 0 is told too: it may have been more before
        movement=f"{payment.transaction_id}:{refunded}",
        at=_latest(order.get("refunds"), "refunded_at") if refunded else None,
    )
    return told, no_money_no_decision(given_back)


def _latest(entries: Any, name: str) -> datetime | None:
    """The latest of the entries' moments."""
    moments = [iso(dig(entry, name)) for entry in entries] if isinstance(entries, list) else []
    return max(filter(None, moments), default=None)
