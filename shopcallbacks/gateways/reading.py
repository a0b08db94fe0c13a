"""Reading what gateways send: bytes in, values or a `ReadError` saying where reading stopped."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from ..domain.values import Answer, Message, Money, NoAnswer, Outcome, Request, Verification, exponent

_MAGIC = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"%PDF": "PDF", b"PK\x03\x04": "ZIP", b"\x1f\x8b": "gzip"}


class ReadError(Exception):
    """What can't be read, and where reading stopped, as a phrase for a manager."""


def _looks_like(data: bytes) -> str:
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            return f" (looks like {what})"
    return ""


def stopped(what: str, at: int, data: bytes) -> ReadError:
    return ReadError(f"not {what}: stopped at byte {at:,} of {len(data):,}{_looks_like(data)}")


# JSON numbers stay decimals; text that is not UTF-8, infinities and absurd nesting are errors, not surprises.


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read_json(data: bytes, *, strict_names: bool = False) -> Any:
    """The JSON value; numbers as int or Decimal. `strict_names`: a name that comes twice in an object is an error."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if strict_names and len(found) != len(items):
            raise ValueError("a name comes twice")
        return found

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise stopped("UTF-8", error.start, data) from None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise stopped("JSON", len(text[: error.pos].encode()), data) from None
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise ReadError(f"not JSON: {error or 'nested too deep'}") from None


def read_object(data: bytes, *, strict_names: bool = False) -> dict[str, Any]:
    """The JSON object."""
    value = read_json(data, strict_names=strict_names)
    if not isinstance(value, dict):
        raise stopped("a JSON object", 0, data)
    return value


def dig(value: Any, *path: str) -> Any:
    """The value at the path of names, None where a step is missing or not an object."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def dig_object(value: Any, *path: str) -> dict[str, Any]:
    """The object at the path, an empty one where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str | None:
    """A text or a whole number as text; None for anything else, for empty text and for text that can't be stored."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and "\x00" not in value and not re.search("[\ud800-\udfff]", value):
        return value
    return None


# Forms: percent-decoded to bytes first, character sets come later. `+` is a blank.


def split_form(data: bytes) -> list[tuple[bytes, bytes]]:
    """All pairs in order, percent-decoded to bytes. Pieces without a name are left out."""
    pairs = []
    for piece in data.split(b"&"):
        name, _, value = piece.partition(b"=")
        if name:
            pairs.append((unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))))
    return pairs


def read_form(data: bytes, charset: str = "utf-8", *, fold_case: bool = False) -> dict[str, str]:
    """The form as a dictionary. An error where bytes are not in the character set or a name comes twice.

    `fold_case`: names are compared without case (the first spelling is kept).
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    for raw_name, raw_value in split_form(data):
        try:
            name, value = raw_name.decode(charset), raw_value.decode(charset)
        except UnicodeDecodeError:
            raise ReadError(
                f"not a form in {charset}: stopped at byte {max(data.find(raw_value), 0):,} of {len(data):,}"
                f"{_looks_like(data)}"
            ) from None
        key = name.lower() if fold_case else name
        if key in seen:
            raise ReadError(f"the field {name} comes twice")
        seen.add(key)
        found[name] = value
    if not found:
        raise stopped("a form", 0, data)
    return found


def form_of(request: Request) -> bytes:
    """Where the form is, for gateways that send it either way: in the query of a GET, else in the body."""
    return request.query if request.method == "GET" else request.body


def upper_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by their names in capitals; an error where a name comes twice but for its case.

    Names that are not ASCII are left out: some of their capitals are ASCII letters.
    """
    found: dict[str, Any] = {}
    for name in filter(str.isascii, fields):
        if name.upper() in found:
            raise ReadError(f"the field {name.upper()} comes twice")
        found[name.upper()] = fields[name]
    return found


def form_request(fields: Mapping[str, str | None], at: datetime, charset: str = "utf-8") -> Request:
    """A POST of a form as a gateway would send it, for examples. Fields that are None are left out."""
    pairs = [(name, value) for name, value in fields.items() if value is not None]
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    body = urlencode(pairs, encoding=charset, errors="replace").encode()
    return Request("POST", "/", b"", headers, body, "127.0.0.1", at)


# Signatures. Always compared as bytes in constant time, so that no header can make the comparison raise.


def same(given: str | bytes | None, expected: str | bytes) -> bool:
    """Equal, in constant time. None is never equal; text is compared as UTF-8 (half surrogates and all)."""
    if given is None:
        return False
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def same_hex(given: str | None, digest: bytes) -> bool:
    """The hex text names the digest, in either case."""
    return given is not None and same(given.lower(), digest.hex())


def same_base64(given: str | None, digest: bytes) -> bool:
    """The text is exactly the digest's standard padded base64."""
    return same(given, base64.b64encode(digest))


def first_match(secrets: Iterable[Any] | None, fits: Callable[[Any], bool]) -> int | None:
    """The index of the first secret that fits, None where none does. Every secret is tried; an empty one never fits."""
    found = [index for index, secret in enumerate(secrets or ()) if secret and fits(secret)]
    return found[0] if found else None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def age_problem(signed_at: float, arrived_at: datetime, tolerance: int | None) -> str | None:
    """A sentence where the signed Unix time is further from the arrival than allowed, either way."""
    age = arrived_at.timestamp() - signed_at
    if abs(age) <= (tolerance or 0):
        return None
    return (
        f"The signature fits, but its time is {abs(age):,.0f} s {'old' if age > 0 else 'ahead'}; "
        f"{tolerance or 0} s are allowed."
    )


def read_base64(value: str | bytes, *, urlsafe: bool = False) -> bytes | None:
    """Strictly decoded standard (or URL-safe) base64, padding optional; None where it is not base64."""
    data = _bytes(value).rstrip(b"=")
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_" if urlsafe else None, validate=True)
    except (binascii.Error, ValueError):
        return None


# Money.

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)


def read_currency(value: Any) -> str | None:
    """Three letters, in upper case; None for anything else."""
    return value.upper() if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def read_number(value: Any) -> Decimal | None:
    """A decimal from a JSON number or a plain text like `12.30`; None for anything else (`1e3`, `1,5`, NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    number = Decimal(value)
    return number if number.is_finite() and number.adjusted() < 15 else None


def whole(value: Any) -> int | None:
    """A text of nothing but digits as a number; None for anything else (`12.00` is not hundredths)."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII) else None


def major(value: Any, currency: Any) -> Money | None:
    """Money from major units (`"12.30"`, `12.3`); None where either can't be read or the decimals don't fit."""
    code, number = read_currency(currency), read_number(value)
    return Money.of(number, code) if code is not None and number is not None else None


def minor(value: Any, currency: Any, decimals: int | None = None) -> Money | None:
    """Money from whole units of `decimals` places (ISO's, unless told); None where it can't be read."""
    code, number = read_currency(currency), read_number(value)
    if code is None or number is None or number != number.to_integral_value() or (type(value) is str and "." in value):
        return None
    return Money.of(number.scaleb(-(exponent(code) if decimals is None else decimals)), code)


def hundredths(value: Any, currency: Any) -> Money | None:
    """Money from a whole JSON number of hundredths, whatever decimals the currency has."""
    return minor(value, currency, 2) if type(value) is int else None


def in_hundredths(money: Money) -> int:
    return int(money.amount * 100)


# Messages that decide nothing.


def unreadable(why: ReadError | str, **known: Any) -> Message:
    """The content can't be read: no decision."""
    return Message(Outcome.unclear, detail=str(why), unreadable=True, **known)


def unclear(why: str, **known: Any) -> Message:
    """Read, but it says nothing we know: no decision."""
    return Message(Outcome.unclear, detail=why, **known)


def no_money_no_decision(message: Message, what: str = "amount") -> Message:
    """`paid` and `refunded` without readable money become `unclear`."""
    if message.outcome in (Outcome.paid, Outcome.refunded) and message.money is None:
        return replace(
            message, outcome=Outcome.unclear, detail=f"it says {message.outcome}, but the {what} can't be read"
        )
    return message


def no_sum_no_chargeback(message: Message) -> Message:
    """`charged_back` without readable money becomes `unclear`, for gateways that tell the sum: none would mean all."""
    if message.outcome is not Outcome.charged_back or message.money is not None:
        return message
    return replace(message, outcome=Outcome.unclear, detail="it says charged_back, but the amount can't be read")


def name_refund(message: Message, *own: str | None) -> Message:
    """A refund's movement gets its name: the refund's own id, else the event's, else what was refunded of what."""
    if message.outcome is not Outcome.refunded:
        return message
    sum_of_it = (
        f"{message.transaction_id or message.order_number}:refunded:{message.money.minor if message.money else ''}"
    )
    return replace(message, movement=next(name for name in (*own, message.event_id, sum_of_it) if name))


def our_word(word: str, authorised: str | None) -> Outcome:
    """The outcome; `authorised` stands for what the account's setting says of it."""
    if word == "authorised":
        return Outcome.pending if authorised == "pending" else Outcome.paid
    return Outcome(word)


# Asking, and what gateways answer.


def basic(user: Any, password: Any) -> tuple[str, str]:
    """The header of Basic authentication."""
    return "Authorization", f"Basic {base64.b64encode(_bytes(f'{user}:{password}')).decode()}"


def unreachable(who: str, answer: Answer | NoAnswer, but: str = "") -> Verification:
    """Neither yes nor no: what came instead. `but`: what is wrong with an answer that looks well."""
    if isinstance(answer, NoAnswer):
        return Verification.unreachable(f"{who} could not be asked: {answer.why}.")
    return Verification.unreachable(f"{who} answered {answer.status}{but and f', but {but}'}.")


def read_answer(who: str, answer: Answer | NoAnswer) -> dict[str, Any] | Verification:
    """The JSON object of an answer with status 200; everything else is unreachable."""
    if isinstance(answer, NoAnswer) or answer.status != 200:
        return unreachable(who, answer)
    try:
        return read_object(answer.body)
    except ReadError as error:
        return unreachable(who, answer, str(error))
