"""The raw request as received, made readable: body, headers, address, bytes. Secrets and card numbers are not shown."""

from __future__ import annotations

from dataclasses import dataclass

from ...callbacks.callback import Callback
from ...gateways.kit.charsets import named_by_type
from ...words.masking import clean, mask_bytes
from ..body import SHOWN, Pane, hex_dump
from ..hiding import HIDDEN_BYTES, Hider

PARTS = ("body", "headers", "address", "bytes")


@dataclass(frozen=True)
class RequestPane:
    """What one tab shows. `query`: the fields in the address, which are the content of a GET."""

    part: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: Pane
    query: Pane
    dump: str


def pane_of(callback: Callback, part: str) -> RequestPane:
    hide = Hider(callback.account)
    return RequestPane(
        part=part if part in PARTS else PARTS[0],
        path=hide(callback.path),
        headers=tuple((clean(name), hide.header(name, value)) for name, value in callback.headers),
        body=hide.pane(callback.body, _charset_of(callback)),
        query=hide.pane(callback.query, _charset_of(callback)),
        dump=hex_dump(hide.data(callback.body)[:SHOWN]) if part == "bytes" else "",
    )


def _charset_of(callback: Callback) -> str | None:
    """The character set that the request names, else the account's settings."""
    types = [value for name, value in callback.headers if name.lower() == "content-type"]
    return named_by_type(types[0] if types else None) or (callback.account.settings or {}).get("charset")


def hides(callback: Callback) -> bool:
    """Whether something that stands in the query or the body is not shown."""
    hide = Hider(callback.account)
    return any(
        len(data) > SHOWN or mask_bytes(data) != data or hide.data(data) != data
        for data in (callback.query, callback.body)
    )


def original_of(callback: Callback, whole: bool, hidden: bool) -> tuple[str, bytes]:
    """A file name and the body as it came; `whole`: the request as HTTP would put it, but for the token in its path.

    `hidden`: without the account's secrets, the gateway's passwords and credentials among the headers.
    """
    hide = Hider(callback.account)
    body = hide.data(callback.body) if hidden else callback.body
    if not whole:
        return f"callback-{callback.id}.bin", body
    path = callback.path.replace(callback.account.token, HIDDEN_BYTES)
    query = hide.data(callback.query) if hidden else callback.query
    start = f"{callback.method} {path}".encode() + (b"?" + query if query else b"") + b" HTTP/1.1\r\n"
    headers = [
        f"{name}: {hide.header(name, value, HIDDEN_BYTES) if hidden else value}" for name, value in callback.headers
    ]
    lines = b"".join(line.encode("latin-1", "replace") + b"\r\n" for line in headers)
    return f"callback-{callback.id}.http", start + lines + b"\r\n" + body
