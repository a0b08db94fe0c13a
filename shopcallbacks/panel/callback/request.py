"""The raw request as received, made readable: body, headers, address, bytes. Secrets and card numbers are not shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...callbacks.callback import Callback
from ...gateways.kit.charsets import named_by_type
from ...shops.secrets import SecretUnreadable
from ...words.masking import clean, mask, mask_bytes
from ..body import SHOWN, Field, Pane, hex_dump, read

PARTS = ("body", "headers", "address", "bytes")
HIDDEN = "\N{BULLET}" * 4
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")


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
    hide = _Hider(callback)
    return RequestPane(
        part=part if part in PARTS else PARTS[0],
        path=hide(callback.path),
        headers=tuple((clean(name), hide.header(name, value)) for name, value in callback.headers),
        body=hide.pane(read(callback.body, _charset_of(callback))),
        query=hide.pane(read(callback.query, _charset_of(callback))),
        dump=hex_dump(hide(callback.body[:SHOWN].decode("latin-1"), HIDDEN_BYTES).encode("latin-1"))
        if part == "bytes"
        else "",
    )


def _charset_of(callback: Callback) -> str | None:
    """The character set that the request names, else the account's settings."""
    types = [value for name, value in callback.headers if name.lower() == "content-type"]
    return named_by_type(types[0] if types else None) or (callback.account.settings or {}).get("charset")


def hides(callback: Callback) -> bool:
    """Whether something that stands in the query or the body is not shown."""
    secrets = _Hider(callback).secrets
    return any(
        mask_bytes(data) != data or any(secret.encode() in data for secret in secrets)
        for data in (callback.query, callback.body)
    )


HIDDEN_BYTES = "****"


class _Hider:
    """Takes out what opens doors: the address's token, credentials, and the account's secrets wherever they stand."""

    def __init__(self, callback: Callback) -> None:
        self.secrets = sorted({callback.account.token, *_secrets(callback)}, key=len, reverse=True)

    def __call__(self, text: str, instead: str = HIDDEN) -> str:
        for secret in self.secrets:
            text = text.replace(secret, instead)
        return clean(mask(text)) if instead == HIDDEN else text

    def header(self, name: str, value: str) -> str:
        if name.lower() in _CREDENTIALS:
            scheme, blank, _ = value.partition(" ")
            return f"{clean(scheme)} {HIDDEN}" if blank else HIDDEN
        return self(value)

    def pane(self, pane: Pane) -> Pane:
        fields = tuple(
            Field(self(field.name), self(field.value), self(field.inside) if field.inside else None)
            for field in pane.fields
        )
        return Pane(pane.kind, pane.total, pane.charset, self(pane.raw), self(pane.pretty), fields)


def _secrets(callback: Callback) -> Iterator[str]:
    """Every text of the account's secrets, in use or not, that is long enough not to be a word by chance."""
    for secret in callback.account.secrets:
        try:
            yield from _texts(secret.value)
        except SecretUnreadable:
            continue


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= 8:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def original_of(callback: Callback, whole: bool) -> tuple[str, bytes]:
    """A file name and the body as it came; `whole`: the request as HTTP would put it, but for the token in its path."""
    if not whole:
        return f"callback-{callback.id}.bin", callback.body
    path = callback.path.replace(callback.account.token, HIDDEN_BYTES)
    query = b"?" + callback.query if callback.query else b""
    start = f"{callback.method} {path}".encode() + query + b" HTTP/1.1\r\n"
    headers = b"".join(f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in callback.headers)
    return f"callback-{callback.id}.http", start + headers + b"\r\n" + callback.body
