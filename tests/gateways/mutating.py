"""Requests and answers as no gateway would send them: random ones, and genuine ones changed at some place."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

from shopcallbacks.domain.values import Answer, NoAnswer, Request

ODD_BYTES = (
    b"", b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r\n", b"&", b"=", b"%", b"%00", b"%zz",
    b"+", b'"', b"\\", b"\\ud83d", b"{", b"]", b"<", b"&#x110000;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"-", b"0",
    b"1e999", b"NaN", b"9" * 400, b"[" * 3000, "é".encode(), "€".encode(), "😀".encode(), "\u0661".encode(), b"paid",
    b"EUR",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, -(10**20), 0.1, 12.345, 1e300, "", " ", "0", "-5", "1e3", "1,50", "12.345",
    "١٢", "NaN", "\x00", "a\x00b", "\ud83d", "😀", "é" * 300, "x" * 5000, [], {}, [[]], [None], {"": None}, {"id": []},
    "paid", "EUR", "eur", "JPY", "XXX", "€UR", "true", "COMPLETED", "\u2028",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "HEAD", "", "post", "DELETE", "\u00e9")
STATUSES = (200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503)


def any_bytes(rng: Random) -> bytes:
    size = rng.choice((0, 1, 3, 20, 200))
    return b"".join((rng.choice(ODD_BYTES), rng.randbytes(size), rng.choice(ODD_BYTES)))


def any_text(rng: Random) -> str:
    """As a header can hold: one character for each byte."""
    return any_bytes(rng).decode("latin-1")


def changed_bytes(rng: Random, data: bytes) -> bytes:
    """The bytes with one thing done to them."""
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((1, 1, 2, 8, 50)))
    match rng.randrange(7):
        case 0:
            return data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:end] + data[at:]
        case 3:
            return data[:at] + rng.choice(ODD_BYTES) + data[end:]
        case 4:
            return data[:at]
        case 5:
            return _changed_digit(rng, data)
        case _:
            return any_bytes(rng)


def _changed_digit(rng: Random, data: bytes) -> bytes:
    """Another amount, date or order number: what a forger would change."""
    places = [at for at, byte in enumerate(data) if chr(byte).isdigit()]
    if not places:
        return data + b"1"
    at = rng.choice(places)
    return data[:at] + str(rng.randrange(10)).encode() + data[at + 1 :]


def changed_json(rng: Random, data: bytes) -> bytes:
    """Another value, name or length somewhere in the JSON."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return changed_bytes(rng, data)
    return json.dumps(_changed_value(rng, document), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _changed_value(rng: Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        match rng.randrange(12):
            case 0:
                return {name: item for name, item in value.items() if name != key}
            case 1:
                return {**value, rng.choice(("", "id", "é", key.upper())): rng.choice(ODD_VALUES)}
            case _:
                return value | {key: _changed_value(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], _changed_value(rng, value[at]), *value[at + rng.choice((0, 1, 1)) :]]
    return rng.choice(ODD_VALUES)


def changed_form(rng: Random, data: bytes) -> bytes:
    """Another value of a field, a field more, or one less; inside base64 where that is what the field holds."""
    pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    if not pairs:
        return changed_bytes(rng, data)
    at = rng.randrange(len(pairs))
    name, value = pairs[at]
    match rng.randrange(6):
        case 0:
            del pairs[at]
        case 1:
            pairs.append((rng.choice((name, name.encode("latin-1").upper().decode("latin-1"), "extra")), value))
        case 2:
            pairs[at] = (name, _changed_inside(rng, value))
        case 3:
            pairs[at] = (name, changed_bytes(rng, value.encode("latin-1")).decode("latin-1"))
        case 4:
            pairs[at], pairs[0] = (name, pairs[0][1]), (pairs[0][0], value)
        case _:
            odd = rng.choice([value for value in ODD_VALUES if isinstance(value, str)])
            pairs[at] = (name, odd.encode("utf-8", "surrogatepass").decode("latin-1"))
    return urlencode(pairs, encoding="latin-1").encode()


def _changed_inside(rng: Random, value: str) -> str:
    try:
        inside = base64.b64decode(value.encode("latin-1"), altchars=b"-_" if "_" in value or "-" in value else None)
    except ValueError:
        return value + "x"
    change = rng.choice((changed_bytes, changed_json, changed_form))
    return base64.b64encode(change(rng, inside)).decode()


def changed_headers(rng: Random, request: Request) -> Request:
    headers = list(request.headers) or [("X", "y")]
    at = rng.randrange(len(headers))
    name, value = headers[at]
    match rng.randrange(7):
        case 0:
            del headers[at]
        case 1:
            headers.append((name, value))
        case 2:
            headers[at] = (name, any_text(rng))
        case 3:
            headers[at] = (name, changed_bytes(rng, value.encode("latin-1", "replace")).decode("latin-1"))
        case 4:
            headers[at] = (name.swapcase(), f" {value} ")
        case 5:
            headers[at] = (name, f"{value},{value}")
        case _:
            headers[at] = (name, rng.choice(("", "=", ",", ";=;", "t=,v1=", "v1,", "Basic ====", "sha256=", "é=é")))
    return replace(request, headers=tuple(headers))


def changed_frame(rng: Random, request: Request) -> Request:
    """The same content by another way."""
    match rng.randrange(4):
        case 0:
            return replace(request, method=rng.choice(METHODS))
        case 1:
            return replace(request, query=request.body, body=request.query)
        case 2:
            return replace(request, path=rng.choice(("", "/é", "/a?b", "\x00")))
        case _:
            return replace(request, query=request.query + b"&" + any_bytes(rng))


def _in_content(change: Callable[[Random, bytes], bytes]) -> Callable[[Random, Request], Request]:
    def changed(rng: Random, request: Request) -> Request:
        if request.query and (not request.body or rng.random() < 0.2):
            return replace(request, query=change(rng, request.query))
        return replace(request, body=change(rng, request.body))

    return changed


CHANGES = (
    *(_in_content(changed_bytes),) * 3,
    *(_in_content(changed_json),) * 4,
    *(_in_content(changed_form),) * 4,
    *(changed_headers,) * 3,
    changed_frame,
)


def changed(rng: Random, request: Request) -> Request:
    """The request with one to three things done to it."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        request = rng.choice(CHANGES)(rng, request)
    return request


def any_request(rng: Random, like: Request) -> Request:
    """Nothing of what a gateway would send, but where it would send it."""
    headers = tuple((name, any_text(rng)) for name, _ in like.headers)
    return replace(like, method=rng.choice(METHODS), headers=headers, body=any_bytes(rng), query=any_bytes(rng))


def any_answer(rng: Random, like: Answer | NoAnswer) -> Answer | NoAnswer:
    """The answer changed, another status, or none."""
    body = like.body if isinstance(like, Answer) else b"{}"
    match rng.randrange(8):
        case 0:
            return NoAnswer("no answer in 10 s")
        case 1:
            return Answer(rng.choice(STATUSES), any_bytes(rng))
        case 2:
            return Answer(rng.choice(STATUSES), body)
        case 3:
            return Answer(200, changed_bytes(rng, body))
        case _:
            return Answer(200, changed_json(rng, body))
