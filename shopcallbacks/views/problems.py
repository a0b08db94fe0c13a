"""What the shop's API answers where something is wrong: RFC 9457, whatever it is and wherever under /api."""

from __future__ import annotations

from typing import Any

from flask import Response, json, request
from werkzeug.exceptions import HTTPException

CONTENT_TYPE = "application/problem+json"


def wanted() -> bool:
    """Whether a program asks, not a browser."""
    return request.path == "/api" or request.path.startswith("/api/")


def problem(
    status: int,
    title: str,
    headers: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """`errors` has a sentence for each bad field; `more`: what else the problem tells."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "title": title, **more}
    if errors:
        body["errors"] = [{"field": name, "detail": detail} for name, detail in sorted(errors.items())]
    return Response(json.dumps(body), status, headers, content_type=CONTENT_TYPE)


def problem_of(error: HTTPException) -> Response:
    told = error.get_response()
    headers = {name: value for name, value in told.headers if name.lower() not in ("content-type", "content-length")}
    return problem(told.status_code, error.description or error.name, headers)
