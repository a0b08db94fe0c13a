"""Sealing: how secrets are encrypted at rest, with the keys of SECRETS_KEY, newest first."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app


class Unreadable(Exception):
    """SECRETS_KEY does not hold the key this was sealed with."""


def seal(value: Any) -> bytes:
    return _keys().encrypt(json.dumps(value).encode())


def unseal(sealed: bytes) -> Any:
    """The value; `Unreadable` where no key fits."""
    try:
        return json.loads(_keys().decrypt(sealed))
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in current_app.config["SECRETS_KEYS"]])
