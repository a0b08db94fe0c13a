"""Messages read by an account's settings: where each field is, and a table of statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from ...domain.values import Message, Outcome, Reply
from ..base import Found, Kind, Setting, Settings
from .charsets import codec, named_by_form
from .errors import ReadError, stopped
from .forms import read_form, split_form
from .json import read_json, text
from .messages import name_refund, no_money_no_decision, unclear, unreadable
from .money import major, minor, read_number

# What a dispute or a refund that failed says needs no sum: without one all of it is meant.
WITHOUT_SUM = (Outcome.disputed, Outcome.charged_back, Outcome.chargeback_reversed, Outcome.refund_failed)

Header = Callable[[str], str | None]

FIELD_SETTINGS = (
    Setting(
        "content",
        "Content",
        Kind.choice,
        "How the body is written; see the gateway's description of its callbacks.",
        default="json",
        choices=("json", "form"),
    ),
    Setting(
        "fields",
        "Places of the fields",
        Kind.table,
        'Where in the body each stands: /data/id for {"data": {"id": ...}} (a JSON pointer), /name in a form; '
        "header:Name for a header, literal:EUR for what is always the same.",
        required=True,
        default={},
        entries=(
            Setting("order_number", "Order number", Kind.place, required=True, like="/data/order_id"),
            Setting("amount", "Amount", Kind.place, required=True, like="/data/amount"),
            Setting("currency", "Currency", Kind.place, required=True, like="/data/currency"),
            Setting("status", "Status", Kind.place, "The word that says what happened.", like="/type"),
            Setting("transaction_id", "Transaction", Kind.place, "What names the payment.", like="/data/payment_id"),
            Setting("event_id", "Event", Kind.place, "What names this message, however often it is sent.", like="/id"),
            Setting("test", "Whether it is a test", Kind.place, like="/test"),
        ),
    ),
    Setting(
        "amount_unit",
        "Unit of the amount",
        Kind.choice,
        "minor: 1230 is 12.30 EUR; major: 12.30 is. Decimals are those of ISO 4217.",
        default="minor",
        choices=("minor", "major"),
    ),
    Setting(
        "statuses",
        "Statuses",
        Kind.table,
        "What the gateway's words mean.",
        required=True,
        default={},
        choices=tuple(Outcome),
        like='{"payment.succeeded": "paid", "payment.failed": "failed", "refund.succeeded": "refunded"}',
    ),
    Setting(
        "default_outcome",
        "Any other status counts as",
        Kind.choice,
        "unclear puts it before a person.",
        default="unclear",
        choices=tuple(Outcome),
    ),
    Setting(
        "test_values",
        "Words for a test payment",
        Kind.texts,
        "What stands in the field test when no money moves.",
        default=["true", "1"],
    ),
    Setting(
        "reply",
        "Reply",
        Kind.table,
        "What the gateway wants to hear once its callback is kept.",
        default={},
        entries=(
            Setting("status", "HTTP status", Kind.number, default=200, least=200, most=299),
            Setting("body", "Body", Kind.exact, default="", like="OK"),
        ),
    ),
)


def pointed(document: Any, pointer: str) -> Any:
    """The value a JSON pointer (RFC 6901) names, None where there is none."""
    if not pointer.startswith("/"):
        return None if pointer else document
    for name in _names(pointer):
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9]\d{0,8}", name, re.ASCII):
            document = document[int(name)] if int(name) < len(document) else None
        else:
            return None
    return document


def _names(pointer: str) -> list[str]:
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]


def message_by_fields(body: bytes, header: Header, settings: Settings, event_id: str | None = None) -> Message:
    """What the body says. `header` gives the headers a place may name; `event_id` counts where it has no place."""
    try:
        document, problem = _read(body, settings), None
    except ReadError as error:
        document, problem = None, error

    def field(name: str) -> Any:
        return _at(settings["fields"].get(name), document, header)

    test = _word(field("test"))
    known: dict[str, Any] = {
        "order_number": text(field("order_number")),
        "transaction_id": text(field("transaction_id")),
        "event_id": text(field("event_id") if settings["fields"].get("event_id") else event_id),
        "test": test in settings["test_values"] if test is not None else None,
    }
    if problem is not None:
        return unreadable(problem, **known)
    amount = field("amount")
    money = (major if settings["amount_unit"] == "major" else minor)(amount, field("currency"))
    if amount is not None and read_number(amount) is None:
        return unclear("The amount is not a number.", **known)
    return _message(_word(field("status")), settings, money=money, **known)


def _at(place: Any, document: Any, header: Header) -> Any:
    """What stands at the place, None where nothing does."""
    if not isinstance(place, str):
        return None
    if place.startswith("literal:"):
        return place.removeprefix("literal:")
    return header(place.removeprefix("header:")) if place.startswith("header:") else pointed(document, place)


def found_by_fields(body: bytes, header: Header, settings: Settings) -> dict[str, Found]:
    """What stands at each place that is set, as text; nothing in a body that can't be read."""
    try:
        document = _read(body, settings)
    except ReadError:
        document = None
    return {name: Found(place, _word(_at(place, document, header))) for name, place in settings["fields"].items()}


def _read(body: bytes, settings: Settings) -> Any:
    if settings["content"] == "form":
        return read_form(body, codec(named_by_form(split_form(body))) or "utf-8")
    document = read_json(body)
    if not isinstance(document, dict | list):
        raise stopped("a JSON object", 0, body)
    return document


def _word(value: Any) -> str | None:
    """A text, a whole number or a JSON boolean as text."""
    return str(value).lower() if isinstance(value, bool) else text(value)


def _message(status: str | None, settings: Settings, **known: Any) -> Message:
    word = settings["statuses"].get(status, settings["default_outcome"])
    if word not in tuple(Outcome):
        return unclear(f"The account's table turns the status {status!r} into {word!r}, which is no outcome.", **known)
    if word == Outcome.unclear:
        return unclear(f"The status {status!r} is not in the account's table." if status else "No status.", **known)
    message = Message(Outcome(word), **known)
    if message.outcome in WITHOUT_SUM:
        return replace(message, movement=message.event_id)
    return name_refund(no_money_no_decision(message, "amount or its currency"))


def reply_by_settings(settings: Settings) -> Reply:
    """The account's reply; a status that would be heard as a failure is 200 instead."""
    status, body = settings["reply"].get("status"), settings["reply"].get("body")
    return Reply(status if status in range(200, 300) else 200, body if isinstance(body, str) else "")


def write_fields(message: Message, settings: Settings) -> tuple[bytes, list[tuple[str, str]]] | None:
    """A body and headers in which `message_by_fields` reads the message; None where the settings can't say it."""
    status = next((word for word, outcome in settings["statuses"].items() if outcome == message.outcome), None)
    if status is None or message.money is None:
        return None
    is_major = settings["amount_unit"] == "major"
    values: dict[str, Any] = {
        "order_number": message.order_number,
        "amount": str(message.money.amount) if is_major else message.money.minor,
        "currency": message.money.currency,
        "status": status,
        "event_id": message.event_id,
        "transaction_id": message.transaction_id,
        "test": next(iter(settings["test_values"]), "true") if message.test else "false",
    }
    document: dict[str, Any] = {}
    headers = []
    for name, place in settings["fields"].items():
        kind, _, rest = place.partition(":")
        if kind == "header":
            headers.append((rest, str(values.get(name))))
        elif kind == "literal":
            if rest != values.get(name):
                return None
        elif not _put(document, _names(place), values.get(name)):
            return None
    body = urlencode(document) if settings["content"] == "form" else json.dumps(document)
    return body.encode(), headers


def _put(document: dict[str, Any], names: list[str], value: Any) -> bool:
    """Puts the value at the pointer, with objects on the way; False where another field is in the way."""
    for name in names[:-1]:
        document = document.setdefault(name, {})
        if not isinstance(document, dict):
            return False
    return bool(names) and document.setdefault(names[-1], value) is value
