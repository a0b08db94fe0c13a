"""Callbacks from YES Cart's XML export of its payment gateway callbacks.

The export holds each one's parameters, not the bytes it came in, and its time without a zone. So a body is made of the
parameters, in their order, which the callback says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from defusedxml.ElementTree import ParseError, iterparse

from ..domain.values import Request
from .callbacks import Kept
from .reading import Unreadable, past, read_all

CALLBACK = "payment-gateway-callback"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
REBUILT = "Its body was made from the parameters that YES Cart kept: what it came in was not."


def read_export(file: Path, zone: str, label: str | None = None, shop_code: str | None = None) -> list[Kept]:
    """Those of the gateway with that label and the shop with that code. `zone`: that its times are of.

    `Unreadable` of a file that is none, and where it holds several gateways or shops and none is named.
    """
    elements = [one for one in _elements(file) if _fits(one, label, shop_code)]
    _check_one("gateway", "--label", {one.findtext("payment-gateway", "") for one in elements})
    _check_one("shop", "--shop-code", {one.get("shop-code", "") for one in elements})
    places = ((f"callback {one.get('id') or one.get('guid') or '?'}", one) for one in elements)
    return read_all(places, lambda one: _kept(one, ZoneInfo(zone)))


def _elements(file: Path) -> Iterator[Any]:
    try:
        for _, element in iterparse(str(file)):
            if element.tag == CALLBACK:
                yield element
    except ParseError as error:
        raise Unreadable([f"It is no XML: {error}."]) from None


def _fits(one: Any, label: str | None, shop_code: str | None) -> bool:
    return label in (None, one.findtext("payment-gateway", "")) and shop_code in (None, one.get("shop-code", ""))


def _check_one(what: str, option: str, there: set[str]) -> None:
    if len(there) > 1:
        raise Unreadable(
            [f"It holds callbacks of more than one {what}. Say of which by {option}: {', '.join(sorted(there))}."]
        )


def _kept(one: Any, zone: ZoneInfo) -> Kept:
    pairs = [
        (parameter.get("name", ""), value.text or "")
        for parameter in one.iterfind("request-parameters/request-parameter")
        for value in parameter.iterfind("value")
    ]
    if not pairs:
        raise ValueError("has no parameters")
    return Kept(Request("POST", "/", b"", (FORM,), urlencode(pairs).encode(), "", _time(one, zone)), REBUILT)


def _time(one: Any, zone: ZoneInfo) -> datetime:
    told = one.findtext("created-timestamp", "")
    try:
        at = datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("has no created-timestamp that can be read") from None
    return past(at, "created-timestamp")
