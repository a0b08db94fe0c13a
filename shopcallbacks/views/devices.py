"""Devices that an account has logged in from: a signed cookie, so that strangers' tries never keep its owner out."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from ..shops.tries import account_key

LASTS = timedelta(days=365)
_MOST = 8  # accounts one device is known to


def device_of(email: str) -> str:
    """The id of the device that asks, where the account has logged in from it; else ""."""
    id_, accounts = _read()
    return id_ if account_key(email) in accounts else ""


def remember(response: Response, email: str) -> None:
    """The account has logged in from the device that gets the answer."""
    id_, accounts = _read()
    key = account_key(email)
    known = [key, *(other for other in accounts if other != key)][:_MOST]
    response.set_cookie(
        _name(),
        _signer().dumps([id_ or secrets.token_urlsafe(16), known]),
        max_age=LASTS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _read() -> tuple[str, list[str]]:
    try:
        id_, accounts = _signer().loads(request.cookies.get(_name(), ""), max_age=int(LASTS.total_seconds()))
    except BadData:
        return "", []
    return id_, accounts


def _name() -> str:
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"


def _signer() -> URLSafeTimedSerializer:
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]  # as Flask: the last signs
    return URLSafeTimedSerializer(keys, salt="device")
