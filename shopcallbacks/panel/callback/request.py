"""The raw request as received, made readable: body, headers, address, bytes. Secrets and card numbers are not shown."""

from __future__ import annotations

from dataclasses import dataclass

from ...callbacks.callback import Callback
from ...domain.errors import Refused
from ...domain.values import Request
from ...gateways.kit.charsets import named_by_type
from ...shops.accounts import GatewayAccount
from ...words.masking import clean, mask_bytes
from ..body import SHOWN, Pane, hex_dump
from ..hiding import HIDDEN_BYTES, Hider

PARTS = ("body", "headers", "address", "bytes")


@dataclass(frozen=True)
class RequestPane:
    """What one tab shows. `query`: the fields in the address, which are the content of a GET."""

    part: str
    method: str
    path: str
    address: str
    headers: tuple[tuple[str, str], ...]
    body: Pane
    query: Pane
    dump: str


def pane_of(callback: Callback, part: str) -> RequestPane | None:
    """None while the request is in an archive."""
    request = callback.request
    if request is None:
        return None
    hide, charset = Hider(callback.account), _charset_of(request, callback.account)
    return RequestPane(
        part=part if part in PARTS else PARTS[0],
        method=request.method,
        path=hide(request.path),
        address=request.address,
        headers=tuple((clean(name), hide.header(name, value)) for name, value in request.headers),
        body=hide.pane(request.body, charset),
        query=hide.pane(request.query, charset),
        dump=hex_dump(hide.data(request.body)[:SHOWN]) if part == "bytes" else "",
    )


def _charset_of(request: Request, account: GatewayAccount) -> str | None:
    """The character set that the request names, else the account's settings."""
    types = request.header_values("content-type")
    return named_by_type(types[0] if types else None) or (account.settings or {}).get("charset")


def hides(request: Request, account: GatewayAccount) -> bool:
    """Whether something that stands in the query or the body is not shown."""
    hide = Hider(account)
    return any(
        len(data) > SHOWN or mask_bytes(data) != data or hide.data(data) != data
        for data in (request.query, request.body)
    )


def original_of(callback: Callback, whole: bool, hidden: bool) -> tuple[str, bytes]:
    """A file name and the body as it came; `whole`: the request as HTTP would put it, but for the token in its path.

    `hidden`: without the account's secrets, the gateway's passwords and credentials among the headers. `Refused` while
    the request is in an archive.
    """
    request = callback.request
    if request is None:
        raise Refused(
            f"This request is kept in {callback.month.archive}. Whoever runs this installation can bring it back."
        )
    hide = Hider(callback.account)
    body = hide.data(request.body) if hidden else request.body
    if not whole:
        return f"callback-{callback.id}.bin", body
    path = request.path.replace(callback.account.token, HIDDEN_BYTES)
    query = hide.data(request.query) if hidden else request.query
    start = f"{request.method} {path}".encode() + (b"?" + query if query else b"") + b" HTTP/1.1\r\n"
    headers = [
        f"{name}: {hide.header(name, value, HIDDEN_BYTES) if hidden else value}" for name, value in request.headers
    ]
    lines = b"".join(line.encode("latin-1", "replace") + b"\r\n" for line in headers)
    return f"callback-{callback.id}.http", start + lines + b"\r\n" + body
