"""What no page shows and no search finds: what opens doors, wherever it stands in a request, and card numbers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import InstrumentedAttribute

from ..callbacks.callback import Callback
from ..shops.accounts import GatewayAccount
from ..shops.secrets import SecretUnreadable
from ..words.masking import clean, mask
from .body import Field, Pane, fields, read

HIDDEN, HIDDEN_BYTES = "\N{BULLET}" * 4, "****"
CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
SHORTEST = 8  # a shorter secret may be a word by chance: only where its gateway's password stands is it hidden


class Hider:
    """Of one gateway account: its token, all its secrets, in use or not, and the passwords its gateway sends."""

    def __init__(self, account: GatewayAccount) -> None:
        self._passwords = account.gateway.passwords
        spelled = {spelling for text in (account.token, *_secrets(account)) for spelling in _spellings(text)}
        self._folded = tuple(spelling.lower() for spelling in spelled)
        longest_first = sorted(map(re.escape, spelled), key=len, reverse=True)
        self._secret = re.compile("|".join(longest_first), re.IGNORECASE)
        names = "|".join(map(re.escape, self._passwords))
        self._password = re.compile(rf"(?<![\w.-])({names})=[^&\s]+") if names else None

    def __call__(self, text: str) -> str:
        """The text as it may be shown."""
        return clean(mask(self._without(text, HIDDEN)))

    def data(self, data: bytes) -> bytes:
        """The bytes without what opens a door; card numbers stay."""
        return self._without(data.decode("latin-1"), HIDDEN_BYTES).encode("latin-1")

    def header(self, name: str, value: str, instead: str = HIDDEN) -> str:
        if name.lower() not in CREDENTIALS:
            return self(value) if instead == HIDDEN else self._without(value, instead)
        scheme, blank, _ = value.partition(" ")
        return f"{clean(scheme)} {instead}" if blank else instead

    def pane(self, data: bytes, charset: str | None = None) -> Pane:
        """What the bytes are, made readable. `charset`: in which they are, where something says so."""
        pane = read(data, charset)
        if pane.kind == "bytes":
            return replace(read(self.data(data), charset), total=pane.total)
        return replace(pane, raw=self(pane.raw), pretty=self(pane.pretty), fields=tuple(self._fields(pane.fields)))

    def fields(self, form: bytes) -> tuple[Field, ...]:
        return tuple(self._fields(fields(form)))

    def _fields(self, found: Iterable[Field]) -> Iterator[Field]:
        for field in found:
            if field.name in self._passwords:
                yield Field(field.name, HIDDEN)
            else:
                yield Field(self(field.name), self(field.value), self(field.inside) if field.inside else None)

    def _without(self, text: str, instead: str) -> str:
        folded = text.lower()
        if any(secret in folded for secret in self._folded):
            text = self._secret.sub(instead, text)
        return self._password.sub(rf"\1={instead}", text) if self._password else text


def _secrets(account: GatewayAccount) -> Iterator[str]:
    for secret in account.secrets:
        try:
            yield from _texts(secret.value)
        except SecretUnreadable:
            continue


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SHORTEST:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _spellings(text: str) -> set[str]:
    """As it stands in plain text, in forms and addresses, in JSON, in XML, and where its bytes are read as Latin."""
    found = {text, mask(text), quote(text, safe=""), quote(text), quote_plus(text), html.escape(text)}
    for in_json in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        found |= {in_json, in_json.replace("/", "\\/")}
    return found | {spelling.encode(errors="replace").decode("latin-1") for spelling in found}


def is_it(column: InstrumentedAttribute[str | None], text: str) -> ColumnElement[bool]:
    """Whether that text stands there. What a page stars can't be found by guessing, unless it is the shop's number."""
    if mask(text) == text:
        return column == text
    own = column is Callback.order_number
    return and_(column == text, Callback.order_id.is_not(None)) if own else false()
