"""Forms: percent-decoded to bytes first, character sets come later. `+` is a blank."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from ...domain.values import Request
from .errors import ReadError, stopped


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
            raise stopped(f"a form in {charset}", max(data.find(raw_value), 0), data) from None
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
