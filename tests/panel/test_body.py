"""Bodies made readable, whatever the bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.panel.body import SET_ANEW, SHOWN, hex_dump, read


@given(st.binary())
def test_any_bytes_can_be_shown(data: bytes) -> None:
    pane = read(data)
    shown = "".join((pane.raw, pane.pretty, *(f"{field.name}{field.value}{field.inside}" for field in pane.fields)))
    shown.encode()
    assert "\x00" not in shown
    assert pane.total == len(data)


@given(st.text(alphabet='{}[]<>=&%"\\/ \n,:e1?!-', max_size=400))
def test_any_signs_can_be_set_anew_and_none_is_lost_in_the_original(text: str) -> None:
    pane = read(text.encode())
    assert (pane.total, pane.raw) == (len(text), text)


@pytest.mark.parametrize(
    "piece",
    [b"[", b"<a>", b"<![CDATA[", b'"\\', b"a=b&", b"4 ", b"{" + b'"a":', b"%34", b"<!ENTITY a 'a'>", b'["\\"'],
)
def test_nothing_takes_long_or_grows(piece: bytes) -> None:
    started = time.perf_counter()
    pane = read(b"{" + piece * (100_000 // len(piece)))
    pane = read(piece * (100_000 // len(piece)))
    assert time.perf_counter() - started < 2
    assert len(pane.pretty) < 2 * SET_ANEW
    assert len(pane.raw) <= 2 * SHOWN
    assert pane.cut


def test_json_is_set_one_value_a_line_and_stays_what_it_is() -> None:
    pane = read(rb'{"a":1.50,"n":[1e400,{}],"t":"\u0421 \"x\"","a":2}')
    assert pane.kind == "json"
    assert pane.pretty == '{\n  "a": 1.50,\n  "n": [\n    1e400,\n    {}\n  ],\n  "t": "С \\"x\\"",\n  "a": 2\n}'


def test_a_form_is_a_table_and_json_in_base64_is_opened() -> None:
    pane = read(b"data=eyJhIjoiNDExMTExMTExMTExMTExMSJ9&name=Gr%C3%BC%C3%9Fe+x&&n%61me=2")
    assert [(field.name, field.value) for field in pane.fields][1:] == [("name", "Grüße x"), ("name", "2")]
    assert pane.fields[0].inside == '{\n  "a": "************1111"\n}'


def test_xml_is_only_set_anew() -> None:
    pane = read(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b><c/></a>')
    assert pane.kind == "xml"
    assert "<b>&x;</b>" in pane.pretty


def test_other_character_sets_are_named_and_bytes_are_dumped() -> None:
    assert (read(b"caf\xe9").charset, read(b"caf\xe9").raw) == ("Windows-1252", "café")
    pane = read(b"\x89PNG\r\n\x1a\n\x00")
    assert pane.kind == "bytes"
    assert pane.pretty == "00000000  89 50 4e 47 0d 0a 1a 0a  00                       .PNG....."


def test_signs_that_hide_or_turn_text_are_made_visible() -> None:
    assert read("a\u202eb\u200b".encode()).raw == "a\\u202eb\\u200b"


def test_card_numbers_are_masked_in_bytes_too() -> None:
    assert "4111111111111111" not in hex_dump(b"4111111111111111")
    assert hex_dump(b"4111111111111111").endswith("************1111")
