"""Callbacks from a log: JSON lines, each with `received_at` and what came."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..domain.values import Request
from .callbacks import Kept
from .reading import json_lines, json_object, moment, plain, read_all

FIELDS = {"received_at", "method", "path", "query", "headers", "body", "body_base64", "address"}


def read_log(text: str) -> list[Kept]:
    """`Unreadable`, with the line and what is wrong in it, unless all can be read."""
    return read_all(json_lines(text), lambda line: _kept(json_object(line)))


def _kept(told: dict[str, Any]) -> Kept:
    if unknown := sorted(told.keys() - FIELDS):
        raise ValueError(f"{', '.join(unknown)}: there is no such field")
    return Kept(
        Request(
            method=_text(told, "method", "POST"),
            path=_text(told, "path", "/"),
            query=_text(told, "query", "").removeprefix("?").encode(),
            headers=tuple(_headers(told.get("headers", {}))),
            body=_body(told),
            address=_text(told, "address", ""),
            arrived_at=moment(told.get("received_at"), "received_at"),
        )
    )


def _text(told: dict[str, Any], name: str, usual: str) -> str:
    return plain(told.get(name, usual), name)


def _headers(told: Any) -> list[tuple[str, str]]:
    """An object, or a list of pairs where a name may come twice."""
    pairs = list(told.items()) if isinstance(told, dict) else told
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise ValueError("headers must be an object of texts, or a list of pairs of them")
    return [(plain(name, "a header's name"), plain(value, "a header")) for name, value in pairs]


def _body(told: dict[str, Any]) -> bytes:
    if "body_base64" not in told:
        return _text(told, "body", "").encode()
    try:
        return base64.b64decode(_text(told, "body_base64", ""), validate=True)
    except binascii.Error:
        raise ValueError("body_base64 is no base64") from None
