"""Two shops on one gateway account."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.domain.values import Request
from shopcallbacks.gateways.kit.errors import ReadError
from shopcallbacks.gateways.kit.own_field import OwnField

AT = datetime(2026, 11, 23, tzinfo=UTC)


def request(body: bytes = b"", query: bytes = b"") -> Request:
    return Request("POST", "/", query, (), body, "192.0.2.1", AT)


@pytest.mark.parametrize(
    ("place", "value", "came"),
    [
        ("/data/metadata/shop", "b", request(b'{"data": {"metadata": {"shop": "b"}}}')),
        ("/items/0/shop", "7", request(b'\n{"items": [{"shop": 7}]}')),
        ("/live", "true", request(b'{"live": true}')),
        ("/custom", "b c", request(b"a=1&custom=b+c")),
        ("/custom", "é", request(b"custom=%E9&charset=windows-1252")),
        ("query:shop", "b", request(b"\xff", b"shop=b&x=1")),
    ],
)
def test_a_callback_with_this_value_is_ours_and_with_another_it_is_not(place: str, value: str, came: Request) -> None:
    assert OwnField.of(place, value).not_ours(came) is None
    other = OwnField.of(place, value + "x").not_ours(came)
    assert other == f"Not this shop's: {place} is “{value}”, not “{value}x”."


@pytest.mark.parametrize(
    ("place", "came"),
    [
        ("/shop", request(b"{}")),
        ("/shop", request(b'{"shop": null}')),
        ("/shop", request(b'{"shop": {"name": "b"}}')),
        ("/shop", request(b'{"shop": 1.0}')),
        ("/shop", request(b"a=b")),
        ("query:shop", request(b"shop=b")),
    ],
)
def test_one_without_the_field_is_not_ours(place: str, came: Request) -> None:
    assert OwnField.of(place, "b").not_ours(came) == f"Not this shop's: {place} is missing, not “b”."


@pytest.mark.parametrize("body", [b"{", b"\xff=\xff", b"shop=a&shop=b", b""])
def test_of_what_cannot_be_read_nobody_knows_whose_it_is(body: bytes) -> None:
    with pytest.raises(ReadError):
        OwnField.of("/shop", "b").not_ours(request(body))


@pytest.mark.parametrize(
    ("place", "value"), [("", "b"), ("shop", "b"), ("/", "b"), ("query:", "b"), ("/shop", " "), ("/" + "x" * 200, "b")]
)
def test_what_is_no_field_is_refused(place: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ "):
        OwnField.of(place, value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.text(min_size=1, max_size=20).filter(str.strip),
)
def test_only_the_value_itself_is_it(document: Any, value: str) -> None:
    body = json.dumps({"shop": document}).encode()
    ours = OwnField.of("/shop", value).not_ours(request(body)) is None
    assert ours == (document == value.strip() if isinstance(document, str) else _as_text(document) == value.strip())


def _as_text(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, int) else None
