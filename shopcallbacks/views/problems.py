"""What the shop's API answers where something is wrong: RFC 9457, whatever it is and wherever under /api."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, json, request
from werkzeug.exceptions import HTTPException

from ..shapes.problems import BadField, Problem

CONTENT_TYPE = "application/problem+json"


def wanted() -> bool:
    """Whether a program asks, not a browser."""
    return request.path == "/api" or request.path.startswith("/api/")


def problem(
    status: int,
    title: str,
    headers: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """`errors` has a sentence for each bad field; `more`: what else the problem tells."""
    bad = [BadField(field=name, detail=detail) for name, detail in sorted(errors.items())] if errors else None
    told = Problem(status=status, title=title, errors=bad, **more)
    body = json.dumps({name: value for name, value in told.as_json.items() if value is not None})
    return Response(body, status, headers, content_type=CONTENT_TYPE)


def problem_of(error: HTTPException) -> Response:
    told = error.get_response()
    headers = {name: value for name, value in told.headers if name.lower() not in ("content-type", "content-length")}
    title = _NO_CALL.get(told.status_code) if error.response is None else None
    return problem(told.status_code, title or error.description or error.name, headers)


# Of an address that the API does not have, or not so.
_NO_CALL = {
    404: "There is nothing at this address. /api/openapi.json has all that there is.",
    405: "This address is not called so. /api/openapi.json says how.",
}
