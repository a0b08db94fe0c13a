"""From the web server's request to ours: the bytes as they came, and every header with its repeats."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

import flask
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from ..clock import utcnow
from ..domain.values import Request

# WSGI joins repeated headers and forgets their order. server.py puts what was received here, request by request.
received_headers: ContextVar[Iterable[tuple[str, str]] | None] = ContextVar("received_headers", default=None)


def received(request: flask.Request, limit: int) -> Request:
    """The request in hand, its body read.

    `RequestEntityTooLarge` where the body has more bytes than the limit, `ClientDisconnected` where it has fewer than
    were announced.
    """
    # Of a body without a length Werkzeug cuts off what is beyond its maximum and says nothing: read one byte more.
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if len(body) < (request.content_length or 0):  # gunicorn ends such a body without a word
        raise ClientDisconnected
    target = str(request.environ.get("RAW_URI", ""))
    path, _, query = target.partition("?")
    headers = received_headers.get()
    return Request(
        method=request.method,
        path=path or request.path,
        query=query.encode("latin-1") if target else request.query_string,
        headers=tuple(headers) if headers is not None else tuple(request.headers.items()),
        body=body,
        address=request.remote_addr or "",
        arrived_at=utcnow(),  # by this host's clock; kept is the database's
    )
