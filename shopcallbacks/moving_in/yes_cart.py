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
    whose = {_whose(one) for one in _elements(file) if _fits(one, label, shop_code)}
    _check_one("gateway", "--label", {gateway for gateway, _ in whose})
    _check_one("shop", "--shop-code", {shop for _, shop in whose})
    elements = (one for one in _elements(file) if _fits(one, label, shop_code))
    places = ((f"callback {one.get('id') or one.get('guid') or '?'}", one) for one in elements)
    return read_all(places, lambda one: _kept(one, ZoneInfo(zone)))


def _elements(file: Path) -> Iterator[Any]:
    """One at a time: none is kept once the next is asked for."""
    try:
        events = iterparse(str(file), ("start", "end"))
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag == CALLBACK:
                yield element
                root.clear()
    except ParseError as error:
        raise Unreadable([f"It is no XML: {error}."]) from None


def _whose(one: Any) -> tuple[str, str]:
    """The gateway's label and the shop's code."""
    return one.findtext("payment-gateway", ""), one.get("shop-code", "")


def _fits(one: Any, label: str | None, shop_code: str | None) -> bool:
    gateway, shop = _whose(one)
    return label in (None, gateway) and shop_code in (None, shop)


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
