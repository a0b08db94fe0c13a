"""Sealing: how secrets are encrypted at rest, with the keys of SECRETS_KEY, newest first.

What is sealed names the place it belongs to, so that a row's secret, copied into another row, is not read as its own.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app


class Unreadable(Exception):
    """SECRETS_KEY does not hold the key this was sealed with, or it was sealed for another place."""


def seal(value: Any, place: str) -> bytes:
    """`place`: what it belongs to, in words that never change ("endpoint of shop 3")."""
    return _keys().encrypt(json.dumps({"place": place, "value": value}).encode())


def unseal(sealed: bytes, place: str) -> Any:
    """The value; `Unreadable` where no key fits, or where it belongs to another place."""
    return _value(_opened(_keys(), sealed), place)


def is_sealed_anew(sealed: bytes, place: str) -> bool:
    """Whether the newest key sealed it, with its place in it."""
    try:
        opened = _opened(Fernet(current_app.config["SECRETS_KEYS"][0]), sealed)
    except Unreadable:
        return False
    return _has_place(opened) and opened["place"] == place


def _value(opened: Any, place: str) -> Any:
    if not _has_place(opened):
        return opened
    if opened["place"] != place:
        raise Unreadable
    return opened["value"]


def _has_place(opened: Any) -> bool:
    """What was sealed before places were has none. It is read wherever it stands, until it is sealed anew."""
    return isinstance(opened, dict) and opened.keys() == {"place", "value"}


def _opened(keys: Fernet | MultiFernet, sealed: bytes) -> Any:
    try:
        return json.loads(keys.decrypt(sealed))
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in current_app.config["SECRETS_KEYS"]])
