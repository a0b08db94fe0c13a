"""Adyen: standard webhooks in JSON, eight fields of each item signed with HMAC-SHA256.

https://docs.adyen.com/development-resources/webhooks/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Money, Outcome, Reply, Request, Verification, exponent
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.money import major, minor
from .kit.signatures import first_match, same, same_base64

# eventCode -> (our word where success is true, where it is false). All others are ignored.
# "authorised": what the account's setting says. "?": by modification.action. "parts": each means of payment by itself.
EVENTS = {
    "AUTHORISATION": ("authorised", "failed"),
    "CAPTURE": ("paid", "unclear"),
    "CAPTURE_FAILED": ("failed", "unclear"),
    "CANCELLATION": ("cancelled", "ignored"),
    "TECHNICAL_CANCEL": ("cancelled", "ignored"),
    "CANCEL_OR_REFUND": ("?", "ignored"),
    "REFUND": ("refunded", "ignored"),
    "REFUND_WITH_DATA": ("refunded", "ignored"),
    "REFUND_FAILED": ("refund_failed", "unclear"),
    "REFUNDED_REVERSED": ("refund_failed", "unclear"),
    "SETTLED_REVERSED": ("unclear", "unclear"),  # Adyen never got the money
    "NOTIFICATION_OF_CHARGEBACK": ("disputed", "unclear"),
    "REQUEST_FOR_INFORMATION": ("disputed", "unclear"),
    "CHARGEBACK": ("charged_back", "unclear"),
    "CHARGEBACK_REVERSED": ("chargeback_reversed", "unclear"),  # not final: SECOND_CHARGEBACK may follow
    "SECOND_CHARGEBACK": ("charged_back", "unclear"),
    "PREARBITRATION_LOST": ("charged_back", "unclear"),
    "PREARBITRATION_WON": ("chargeback_reversed", "unclear"),  # that the money is back is not confirmed
    "PENDING": ("pending", "unclear"),
    "OFFER_CLOSED": ("cancelled", "ignored"),
    "EXPIRE": ("cancelled", "ignored"),
    "ORDER_CLOSED": ("parts", "failed"),  # by several means of payment together
}
ACTIONS = {"cancel": "cancelled", "refund": "refunded"}  # modification.action of CANCEL_OR_REFUND

# An authorisation let go. Which CANCEL_OR_REFUND did is not signed; of OFFER_CLOSED nothing was authorised.
LET_GO = {"CANCELLATION", "TECHNICAL_CANCEL", "EXPIRE"}
# All events of a dispute have one pspReference: what is taken, or comes back, a second time has another name.
SECOND = {"SECOND_CHARGEBACK", "PREARBITRATION_LOST", "PREARBITRATION_WON"}

DECIMALS = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}  # where Adyen's exponent is not ISO's


class Adyen(Gateway):
    name = "adyen"
    title = "Adyen"
    letters = "Ad"
    docs = "https://docs.adyen.com/development-resources/webhooks/"
    payment_pages = (
        "https://ca-live.adyen.com/ca/ca/accounts/showTx.shtml?pspReference={id}&txType=Payment",
        "https://ca-test.adyen.com/ca/ca/accounts/showTx.shtml?pspReference={id}&txType=Payment",
    )
    check = "HMAC-SHA256 of eight fields of every item, inside the JSON; Basic authentication on top where set"
    tested = "Adyen 16 (Python), @adyen/api-library 32 (npm), Adyen's signing example"
    area = Area.worldwide
    countries = "Europe, the Americas, Asia, Australia"
    much_used = True
    steps = (
        Step(
            "In Adyen's Customer Area, under Developers > Webhooks, make a standard webhook with this account's "
            "address, in the format JSON.",
            "https://ca-live.adyen.com/",
        ),
        Step(
            "Leave on what it tells of payments: AUTHORISATION, CAPTURE, CAPTURE_FAILED, CANCELLATION, REFUND, "
            "REFUND_FAILED, CHARGEBACK and CHARGEBACK_REVERSED among them.",
            "https://docs.adyen.com/development-resources/webhooks/webhook-types/",
        ),
        Step(
            "Generate an HMAC key there and enter it here; user name and password only if the webhook has them.",
        ),
        Step(
            "Enter the merchant accounts whose payments count, and the platform: test and live have keys of their own.",
        ),
        Step(
            "Have your shop send the order number as the payment's reference, which comes back as merchantReference.",
        ),
        Step(
            "Test the webhook from there, then pay with one of Adyen's test cards.",
            "https://docs.adyen.com/development-resources/testing/test-card-numbers/",
        ),
    )
    settings = (
        Setting(
            "hmac_keys",
            "HMAC keys",
            Kind.secrets,
            "Adyen Customer Area > Developers > Webhooks > your standard webhook (JSON) > HMAC key, hexadecimal.",
            required=True,
        ),
        Setting(
            "merchant_accounts",
            "Merchant accounts",
            Kind.texts,
            "The account codes as at the top of the Customer Area. Reports can carry the company account: list it too.",
            required=True,
        ),
        AUTHORISED,
        Setting(
            "environment",
            "Environment",
            Kind.choice,
            "Which of Adyen's platforms this account is on; a callback of the other one is not genuine.",
            default="live",
            choices=("live", "test"),
        ),
        Setting(
            "username",
            "User name",
            Kind.text,
            "Only if the webhook's security settings have Basic authentication.",
        ),
        Setting("password", "Password", Kind.secret, "Beside the user name, in the webhook's security settings."),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        if not _basic_fits(request, settings):
            return Verification.not_genuine("User name and password (Basic authentication) are missing or wrong.")
        try:
            body = read_object(request.body)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        items = _items(body)
        if not items:
            return Verification.not_genuine("It holds no notification item, so nothing is signed.")
        # Every item: half a delivery cannot be refused.
        matched = [_matching_key(item, settings) for item in items]
        if None in matched:
            return Verification.not_genuine("Not every item's signature fits a live HMAC key.")
        if any(item.get("merchantAccountCode") not in (settings["merchant_accounts"] or ()) for item in items):
            return Verification.not_genuine("It is about another Adyen merchant account.")
        # `live` is not signed, and a shop can enter the same key for test and live.
        if body.get("live") != _live(settings):
            return Verification.not_genuine(f"It is not from Adyen's {settings['environment']} platform.")
        return Verification.genuine(matched=matched[0])

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            body = read_object(request.body)
        except ReadError as error:
            return (unreadable(error),)
        live = body.get("live")
        test = live == "false" if live in ("true", "false") else None
        messages = tuple(message for item in _items(body) for message in _messages(item, settings, test=test))
        return messages or (unclear("It holds no notification item.", test=test),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        # One callback that is never accepted holds up all later ones.
        return Reply(body="[accepted]")

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        captures = settings["authorised"] != Outcome.paid
        kinds = {
            Outcome.paid: ("CAPTURE" if captures else "AUTHORISATION", "true"),
            Outcome.pending: ("PENDING", "true"),
            Outcome.failed: ("AUTHORISATION", "false"),
            Outcome.cancelled: ("CANCELLATION", "true"),
            Outcome.refunded: ("REFUND", "true"),
        }
        if message.outcome not in kinds or message.money is None:
            return None
        code, success = kinds[message.outcome]
        currency = message.money.currency
        item: dict[str, Any] = {
            "pspReference": message.transaction_id,
            "merchantAccountCode": settings["merchant_accounts"][0],
            "merchantReference": message.order_number,
            "amount": {"currency": currency, "value": int(message.money.amount.scaleb(_decimals(currency)))},
            "eventCode": code,
            "eventDate": at.isoformat(timespec="seconds"),
            "success": success,
            "reason": "" if success == "true" else "Refused",
        }
        if code in ("CAPTURE", "CANCELLATION", "REFUND"):  # requests with a reference of their own
            item |= {
                "pspReference": message.event_id or f"{message.transaction_id}M",
                "originalReference": message.transaction_id,
            }
        signature = hmac.new(bytes.fromhex(settings["hmac_keys"][0]), _signed(item) or b"", hashlib.sha256).digest()
        item["additionalData"] = {"hmacSignature": base64.b64encode(signature).decode()}
        if message.customer:
            item["additionalData"]["shopperEmail"] = message.customer
        body = {"live": _live(settings), "notificationItems": [{"NotificationRequestItem": item}]}
        headers = [("Content-Type", "application/json; charset=utf-8"), ("User-Agent", "Adyen HttpClient 1.0")]
        if settings["username"]:
            headers.append(("Authorization", _basic(settings)))
        return Example(Request("POST", "/", b"", tuple(headers), json.dumps(body).encode(), "127.0.0.1", at))


def _live(settings: Settings) -> str:
    """What `live` must say: a text, not a boolean."""
    return "true" if settings["environment"] == "live" else "false"


def _basic(settings: Settings) -> str:
    credentials = f"{settings['username']}:{settings['password'] or ''}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _basic_fits(request: Request, settings: Settings) -> bool:
    return not settings["username"] or same(request.header("Authorization"), _basic(settings))


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every item; an empty one where an entry has another shape."""
    entries = body.get("notificationItems")
    return [dig_object(entry, "NotificationRequestItem") for entry in entries] if isinstance(entries, list) else []


def _signed(item: dict[str, Any]) -> bytes | None:
    """What Adyen signs of an item. None where a field is missing or of another kind."""
    code, value = item.get("eventCode"), dig(item, "amount", "value")
    # A kind that decides nothing may be about no order (REPORT_AVAILABLE): what is not there is signed as empty.
    empty = "" if isinstance(code, str) and code not in EVENTS else None
    fields = [
        item.get("pspReference"),
        _or(item.get("originalReference"), ""),
        item.get("merchantAccountCode"),
        _or(item.get("merchantReference"), empty),
        empty if value is None else str(value) if type(value) is int else None,
        _or(dig(item, "amount", "currency"), empty),
        code,
        item.get("success"),
    ]
    if not all(isinstance(field, str) for field in fields):
        return None
    # Nothing is escaped: a colon anywhere but in the reference lets the text be cut again, into another order. A kind
    # that decides nothing may have some: it stays the last but one, however the text is cut.
    if code in EVENTS and any(":" in field for at, field in enumerate(fields) if at != 3):
        return None
    try:
        return ":".join(fields).encode()
    except UnicodeEncodeError:  # half a surrogate
        return None


def _or(value: Any, instead: str | None) -> Any:
    return instead if value is None else value


def _matching_key(item: dict[str, Any], settings: Settings) -> int | None:
    signed, given = _signed(item), dig(item, "additionalData", "hmacSignature")
    if signed is None or not isinstance(given, str):
        return None

    def fits(key: str) -> bool:
        try:
            key_bytes = bytes.fromhex(key)
        except ValueError:
            return False
        return bool(key_bytes) and same_base64(given, hmac.new(key_bytes, signed, hashlib.sha256).digest())

    return first_match(settings["hmac_keys"], fits)


def _decimals(currency: str) -> int:
    return DECIMALS.get(currency, exponent(currency))


def _messages(item: dict[str, Any], settings: Settings, **known: Any) -> tuple[Message, ...]:
    own = text(item.get("pspReference"))
    known |= {
        "order_number": text(item.get("merchantReference")),
        "transaction_id": text(item.get("originalReference")) or own,
        "money": _money(item),
        "customer": text(dig(item, "additionalData", "shopperEmail")),
    }
    word = _word(item)
    if word == "parts":
        return _parts(item, settings, known)
    if word == "unclear":
        code, success = item.get("eventCode"), item.get("success")
        return (unclear(f"Adyen's {code} with success {success!r} is for a person to look at.", **known),)
    message = no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))
    return (_with_details(message, item, own, settings),)


def _with_details(message: Message, item: dict[str, Any], own: str | None, settings: Settings) -> Message:
    """The message with what only its outcome has."""
    code, waits = str(item.get("eventCode")), settings["authorised"] == "pending"
    match message.outcome:
        case Outcome.paid if code == "CAPTURE" and waits:  # else it is the same money as the authorisation
            return replace(message, movement=own)
        case Outcome.cancelled:
            return replace(message, uncaptured=waits and code in LET_GO)
        case Outcome.disputed:  # the date is unsigned, and only told
            return replace(message, answer_by=iso(dig(item, "additionalData", "defensePeriodEndsAt")))
        case Outcome.charged_back | Outcome.chargeback_reversed:
            return replace(message, movement=own and f"{own}:second" if code in SECOND else own)
        case Outcome.refund_failed:
            return replace(message, movement=own)
    return name_refund(message, own)


def _parts(item: dict[str, Any], settings: Settings, known: dict[str, Any]) -> tuple[Message, ...]:
    """What each means of payment paid. It is not signed, so it must add up to the sum that is."""
    details = dig_object(item, "additionalData")
    numbers = {match[1] for name in details if (match := re.fullmatch(r"order-(\d{1,3})-pspReference", name, re.ASCII))}
    if not numbers:
        return (Message(Outcome.ignored, **known),)  # each part has a notice of its own
    outcome, messages = our_word("authorised", settings["authorised"]), []
    for number in sorted(numbers, key=int):
        currency, _, amount = str(details.get(f"order-{number}-paymentAmount")).partition(" ")
        part = {"transaction_id": text(details[f"order-{number}-pspReference"]), "money": major(amount, currency)}
        messages.append(Message(outcome, part=True, **known | part))
    if not _add_up(messages, known["money"]):
        return (unclear("The parts of Adyen's order are not signed, and do not add up to its signed sum.", **known),)
    return tuple(messages)


def _add_up(parts: list[Message], whole: Money | None) -> bool:
    sums = [part.money.minor for part in parts if part.money and whole and part.money.currency == whole.currency]
    payments = {part.transaction_id for part in parts if part.transaction_id}
    is_told = len(sums) == len(payments) == len(parts) and min(sums) > 0
    return is_told and whole is not None and sum(sums) == whole.minor


def _word(item: dict[str, Any]) -> str:
    code, success = item.get("eventCode"), item.get("success")
    if not isinstance(code, str):
        return "unclear"
    if code not in EVENTS:
        return "ignored"
    if success not in ("true", "false"):
        return "unclear"
    if code == "AUTHORISATION" and dig(item, "amount", "value") == 0:
        return "ignored"  # a card check
    word = EVENTS[code][success == "false"]
    # Unsigned, but it only picks between two ways of not having the money.
    action = dig(item, "additionalData", "modification.action")
    return ACTIONS.get(str(action), "unclear") if word == "?" else word


def _money(item: dict[str, Any]) -> Money | None:
    value, currency = dig(item, "amount", "value"), dig(item, "amount", "currency")
    if type(value) is not int or not isinstance(currency, str):
        return None
    return minor(value, currency, _decimals(currency.upper()))
