"""Requests as a gateway or a shop sends them, headers and body byte for byte."""

from __future__ import annotations

import contextlib
import http.client
from urllib.parse import urlsplit

Headers = tuple[tuple[str, str], ...]


def send(
    url: str, method: str, target: str, headers: Headers, body: bytes, seconds: float
) -> tuple[int, bytes, list[tuple[str, str]]]:
    """The answer's status, body and headers; waits for them as long."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with contextlib.closing(kind(parts.hostname or "", parts.port, timeout=seconds)) as connection:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        if method != "GET":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return response.status, response.read(), response.getheaders()
