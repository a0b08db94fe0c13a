"""Mollie: a callback names a payment, its state is asked for. https://docs.mollie.com/reference/webhooks"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Answer, Ask, Asking, Message, Money, NoAnswer, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import read_answer, unreachable
from .kit.errors import ReadError, stopped
from .kit.forms import split_form
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import major
from .kit.signatures import first_match, same_hex

# A payment's status, and an order's (the old Orders API) -> our word
PAYMENT = {
    "paid": "paid",
    "authorized": "authorised",
    "open": "pending",
    "pending": "pending",
    "failed": "failed",
    "canceled": "cancelled",
    "expired": "cancelled",
}
ORDER = {
    "paid": "paid",
    "completed": "paid",
    "authorized": "authorised",
    "shipping": "authorised",
    "created": "pending",
    "pending": "pending",
    "canceled": "cancelled",
    "expired": "cancelled",
}
# When a payment came into its status; orders don't say it.
SINCE = {
    "paid": "paidAt",
    "authorized": "authorizedAt",
    "open": "createdAt",
    "pending": "createdAt",
    "failed": "failedAt",
    "canceled": "canceledAt",
    "expired": "expiredAt",
}
# What went back, as sums so far: the status stays `paid`
SUMS = {"amountRefunded": Outcome.refunded, "amountChargedBack": Outcome.charged_back}
# Events that embed what names its payment -> what they say where the payment lacks the sum that would have fallen
OF_A_PAYMENT: dict[str, tuple[Outcome, str] | None] = {
    "refund.refunded": None,
    "refund.failed": (Outcome.refund_failed, "amountRefunded"),
    "refund.canceled": (Outcome.refund_failed, "amountRefunded"),
    "chargeback.received": None,
    "chargeback.reversed": (Outcome.chargeback_reversed, "amountChargedBack"),
}

ID = r"(tr|ord)_[A-Za-z0-9]{4,40}"
API = "https://api.mollie.com/v2"
SIGNATURE = "X-Mollie-Signature"


class Mollie(Gateway):
    name = "mollie"
    title = "Mollie"
    letters = "Mo"
    docs = "https://docs.mollie.com/reference/webhooks"
    payment_pages = ("https://my.mollie.com/dashboard/payments/{id}",) * 2
    check = "Mollie is asked for the payment; next-gen events also bear an HMAC-SHA256 in X-Mollie-Signature"
    tested = "mollie-api-py, mollie-api-typescript (signed events)"
    speaks = False
    area = Area.europe
    countries = "Netherlands, Belgium, Germany, France, Austria, all of Europe"
    much_used = True
    steps = (
        Step(
            "In Mollie's Dashboard, under Developers > API keys, copy the key and enter it here: live_... for a "
            "live account, test_... for one in test mode.",
            "https://my.mollie.com/dashboard/developers/api-keys",
        ),
        Step(
            "Have your shop send this account's address as webhookUrl with each payment: classic webhooks have no "
            "other place for it.",
            "https://docs.mollie.com/reference/webhooks",
        ),
        Step(
            "With next-gen webhooks, add one under Developers > Webhooks instead, with this account's address and "
            "the events of payments, refunds and chargebacks, and enter its secret here.",
        ),
        Step(
            "Have your shop put the order number into the payment's metadata as order_id, or say here where else "
            "it stands.",
        ),
        Step(
            "Make a payment with the test key: Mollie's test page asks which outcome it is to have.",
            "https://docs.mollie.com/reference/testing",
        ),
    )
    settings = (
        Setting(
            "api_keys",
            "API keys",
            Kind.secrets,
            "Mollie Dashboard > Developers > API keys (live_... or test_...). Tried in order; a test key sees no live "
            "payments.",
            required=True,
            live_keys=("live_",),
            test_keys=("test_",),
        ),
        Setting(
            "webhook_secrets",
            "Webhook signing secrets",
            Kind.secrets,
            "Mollie Dashboard > Developers > Webhooks. Only for next-gen webhooks; classic ones are not signed.",
        ),
        Setting(
            "order_field",
            "Field of the order number",
            Kind.text,
            "Where your shop puts the order number: metadata.<key>, metadata or description.",
            default="metadata.order_id",
        ),
        AUTHORISED,
    )

    def asks(self, settings: Settings) -> bool:
        return True

    def key_question(self, settings: Settings) -> Ask | None:
        if not settings["api_keys"]:
            return None
        return Ask("GET", f"{API}/methods", (("Authorization", f"Bearer {settings['api_keys'][0]}"),))

    def verify(self, request: Request, settings: Settings) -> Asking:
        if request.method != "POST":
            return Verification.not_genuine(f"Mollie posts; this came by {request.method}.")
        if not request.header_values(SIGNATURE):
            try:
                return (yield from _ask(_named_by_form(request.body), settings))
            except ReadError as error:
                return Verification.not_genuine(f"It can't be read: {error}.", unreadable=True)
        matched = _matching_secret(request, settings)
        if matched is None:
            return Verification.not_genuine("No signature fits a live signing secret.")
        named = _named_by_event(request.body)
        if isinstance(named, Message):  # nothing to ask about
            return Verification.genuine(matched=matched)
        return (yield from _ask(named, settings, matched))

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        event: dict[str, Any] = {}
        if request.header_values(SIGNATURE):
            named = _named_by_event(request.body)
            if isinstance(named, Message):
                return (named,)
            event = read_object(request.body)
        event_id, answered = text(event.get("id")), evidence.get("answer")
        if not isinstance(answered, dict):
            return (unclear("The callback itself says nothing, only Mollie's answer would.", event_id=event_id),)
        state = _message(answered, settings, event_id)
        return (state, *_given_back(answered, state), *_by_event(event, answered, state))

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        status = {
            Outcome.paid: "paid",
            Outcome.pending: "open",
            Outcome.failed: "failed",
            Outcome.cancelled: "canceled",
            Outcome.refunded: "paid",
        }.get(message.outcome)
        if status is None or message.money is None:
            return None
        transaction = re.sub("[^A-Za-z0-9]", "", (message.transaction_id or "").removeprefix("tr_"))
        transaction = f"tr_{transaction[:40]:0>4}"
        amount = {"value": str(message.money.amount), "currency": message.money.currency}
        payment: dict[str, Any] = {
            "resource": "payment",
            "id": transaction,
            "mode": "test" if message.test else "live",
            "createdAt": at.isoformat(timespec="seconds"),
            "amount": amount,
            "description": f"Order {message.order_number}",
            "status": status,
            SINCE[status]: at.isoformat(timespec="seconds"),
        }
        if message.outcome is Outcome.refunded:
            payment["amountRefunded"] = amount
        if message.customer:
            payment["billingAddress"] = {"email": message.customer}
        field, _, key = settings["order_field"].partition(".")
        payment[field] = {key: message.order_number} if key else message.order_number
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        request = Request("POST", "/", b"", headers, f"id={transaction}".encode(), "127.0.0.1", at)
        return Example(request, (Answer(200, json.dumps(payment).encode()),))


def _matching_secret(request: Request, settings: Settings) -> int | None:
    """For a day after a change of secret the header comes twice: any that fits is enough."""
    given = [
        signature.strip().removeprefix("sha256=")
        for value in request.header_values(SIGNATURE)
        for signature in value.split(",")
    ]

    def fits(secret: str) -> bool:
        digest = hmac.new(secret.encode(), request.body, hashlib.sha256).digest()
        return any([same_hex(signature, digest) for signature in given])

    return first_match(settings["webhook_secrets"], fits)


def _named_by_form(body: bytes) -> str:
    """The id that the form brings; no other field is read."""
    ids = [value for name, value in split_form(body) if name == b"id"]
    if not ids:
        raise stopped("a form with an id", 0, body)
    if len(ids) > 1 or not re.fullmatch(ID.encode(), ids[0]):
        raise ReadError("the id is not one of a payment or an order of Mollie's")
    return ids[0].decode()


def _named_by_event(body: bytes) -> str | Message:
    """The id of the payment an event is about, or what else is to be said of it."""
    try:
        event = read_object(body)
    except ReadError as error:
        return unreadable(error)
    kind, event_id = event.get("type"), text(event.get("id"))
    if not isinstance(kind, str):
        return unclear("The event has no type.", event_id=event_id)
    if kind.startswith("payment."):
        named = event.get("entityId")
    elif kind in OF_A_PAYMENT:
        named = dig(event, "_embedded", "entity", "paymentId")
    else:
        return Message(Outcome.ignored, event_id=event_id)
    if isinstance(named, str) and re.fullmatch(ID, named):
        return named
    return unclear(f"{kind} does not name a payment.", event_id=event_id)


def _ask(named: str, settings: Settings, matched: int | None = None) -> Asking:
    """Key by key: a test key does not see live payments, and one key may have been withdrawn."""
    url = f"{API}/{'orders' if named.startswith('ord_') else 'payments'}/{named}"
    refused = None
    for key in settings["api_keys"] or ():
        answer = yield Ask("GET", url, (("Authorization", f"Bearer {key}"),))
        if isinstance(answer, NoAnswer) or answer.status not in (401, 403, 404, 410):
            return _read(named, answer, matched)
        if answer.status in (401, 403):
            refused = answer
    if refused is not None:
        return unreachable("Mollie", refused)
    if not settings["api_keys"]:
        return Verification.unreachable("There is no API key to ask Mollie with.")
    return Verification.not_genuine("Mollie knows no such payment.")


def _read(named: str, answer: Answer | NoAnswer, matched: int | None) -> Verification:
    answered = read_answer("Mollie", answer)
    if isinstance(answered, Verification):
        return answered
    if answered.get("id") != named:
        return Verification.not_genuine("Mollie answered about another payment.")
    return Verification.genuine(matched=matched, evidence={"answer": answered})


def _message(thing: dict[str, Any], settings: Settings, event_id: str | None) -> Message:
    transaction, status = text(thing.get("id")), text(thing.get("status"))
    is_order = (transaction or "").startswith("ord_")
    order = text(dig(thing, *(settings["order_field"] or "").split(".", 1)))
    known: dict[str, Any] = {
        "order_number": order or (text(thing.get("orderNumber")) if is_order else None),
        "transaction_id": transaction,
        "event_id": event_id,
        "test": {"test": True, "live": False}.get(str(thing.get("mode"))),
        "customer": text(dig(thing, "billingAddress", "email")),
        "money": _money(thing, "amount"),
        "at": None if is_order else iso(dig(thing, SINCE.get(status or "", ""))),
    }
    word = (ORDER if is_order else PAYMENT).get(status or "")
    if word is None:
        return unclear(f"Mollie's status {status!r} is not known.", **known)
    if word == "paid" and thing.get("amountCaptured") is not None:
        known |= _captured(thing, settings, known)
    return no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))


def _captured(thing: dict[str, Any], settings: Settings, known: dict[str, Any]) -> dict[str, Any]:
    """What was captured so far; nothing where it says 0, which a payment that needs no capture may."""
    captured, movement = _money(thing, "amountCaptured"), None
    if captured is not None and captured.minor == 0:
        return {}
    # Where an authorisation counts as paid, a capture is the same money.
    if captured is not None and captured != known["money"] and settings["authorised"] == "pending":
        movement = f"{known['transaction_id']}:captured:{captured.minor}"
    return {"money": captured, "total": True, "movement": movement, "at": None}


def _given_back(thing: dict[str, Any], paid: Message) -> Iterator[Message]:
    """What was given back so far of a payment that is paid, also where that is 0: it may have been more."""
    if paid.outcome is not Outcome.paid or thing.get("status") != "paid" or _is_order(paid):
        return
    for name, outcome in SUMS.items():
        if thing.get(name) is None:
            continue
        money = _money(thing, name)
        said = replace(paid, outcome=outcome, money=money, total=True, movement=None, at=None)
        if money is None or money.minor < 0:
            why = f"It can't be read how much of the payment was {outcome.replace('_', ' ')}."
            yield replace(said, outcome=Outcome.unclear, money=None, total=False, detail=why)
        else:
            yield replace(said, movement=f"{paid.transaction_id}:{money.minor}")


def _by_event(event: dict[str, Any], thing: dict[str, Any], state: Message) -> Iterator[Message]:
    """What only the event tells. A sum so far has fallen by it already: said twice it would hit another refund."""
    said = OF_A_PAYMENT.get(str(event.get("type")))
    if said is None or thing.get(said[1]) is not None:
        return
    entity = dig_object(event, "_embedded", "entity")
    yield Message(
        said[0],
        state.order_number,
        state.transaction_id,
        state.event_id,
        _money(entity, "amount"),
        state.test,
        movement=text(entity.get("id")),
        at=iso(entity.get("reversedAt")),
        customer=state.customer,
    )


def _is_order(message: Message) -> bool:
    return (message.transaction_id or "").startswith("ord_")


def _money(thing: dict[str, Any], name: str) -> Money | None:
    amount = dig_object(thing, name)
    value = amount.get("value")
    return major(value, amount.get("currency")) if isinstance(value, str) else None
