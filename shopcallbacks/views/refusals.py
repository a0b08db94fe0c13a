"""What was refused, one line in the log each: who, from where, which route, how. No path and no query: they may hold
what is secret.
"""

from __future__ import annotations

import logging
from typing import NoReturn

from flask import Flask, Response, abort, g, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

STATUSES = frozenset({401, 403, 429})

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    app.after_request(tell)


def not_theirs() -> NoReturn:
    """404 for what is there, but not for this user."""
    mark()
    abort(404)


def mark() -> None:
    """The answer, whatever its status, is a refusal."""
    g.refused = True


def tell(response: Response) -> Response:
    if response.status_code in STATUSES or "refused" in g:
        log.warning(
            "Refused with %s: %s from %s, %s", response.status_code, _who(), request.remote_addr, request.endpoint
        )
    return response


def _who() -> str:
    if "token" in g:
        return f"API token {g.token.id}"
    try:
        return f"user {current_user.id}" if current_user.is_authenticated else "nobody"
    except SQLAlchemyError:
        return "somebody"  # the database is away
