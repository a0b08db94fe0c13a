"""Bodies made readable, whatever the bytes."""

from __future__ import annotations

import time
import timeit
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.gateways.kit.charsets import codec
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
    usual = cost(b'{"a": [' + b'"word", ' * 12_500)
    for before in (b"{", b""):
        data = before + piece * (100_000 // len(piece))
        pane = read(data)
        assert len(pane.pretty) < 2 * SET_ANEW
        assert len(pane.raw) <= 2 * SHOWN
        assert pane.cut
        assert cost(data) < 20 * usual, "what is made to take long takes little longer than any other body"


def cost(data: bytes) -> float:
    """Seconds of this thread's own, which a busy machine hardly changes."""
    return min(timeit.repeat(lambda: read(data), timer=time.thread_time, number=1, repeat=3))


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


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("Shift_JIS", "髙橋 一郎"),
        ("windows-1252", "Zoë Œuvre €"),
        ("windows-1251", "Иван Грозный"),
        ("gb2312", "王小明"),
        ("iso-2022-jp", "山田"),
        ("EUC-KR", "홍길동"),
        ("UTF-8", "Grüße"),
    ],
)
@pytest.mark.parametrize("how", ["PayPal", "browser", "header", "raw"])
def test_names_can_be_read_in_the_character_set_that_is_named(charset: str, name: str, how: str) -> None:
    encoded = name.encode(codec(charset) or "")
    value = encoded if how == "raw" and b" " not in encoded else quote_from_bytes(encoded).encode()
    own = {"PayPal": f"&charset={charset}", "browser": f"&_charset_={charset}"}.get(how, "")
    pane = read(b"first_name=" + value + own.encode(), charset if how in ("header", "raw") else None)
    assert (pane.kind, pane.charset) == ("form", charset)
    assert pane.fields[0].value == name.replace("\x1b", "\\x1b")


def test_a_forms_own_word_of_its_letters_counts_before_the_headers() -> None:
    form = b"n=%8eR%93c&_charset_=Shift_JIS"
    assert read(form, "iso-8859-1").fields[0].value == "山田"


@pytest.mark.parametrize("named", ["windows-1252", "ISO-8859-1", "utf-7", "rot13", "unicode_escape", "no-such", None])
def test_letters_in_utf_8_are_read_whatever_is_named(named: str | None) -> None:
    assert read("name=Grüße".encode(), named).fields[0].value == "Grüße"


def test_a_word_of_letters_that_is_wrong_does_no_harm() -> None:
    pane = read(b"name=Gr%FC%DFe&charset=Shift_JIS")
    assert (pane.charset, pane.fields[0].value) == ("Windows-1252", "Grüße")


@given(st.binary(), st.sampled_from(["Shift_JIS", "iso-2022-jp", "gb2312", "windows-1251", "zip", "", "x" * 99]))
def test_any_bytes_can_be_shown_in_any_character_set(data: bytes, named: str) -> None:
    pane = read(data, named)
    "".join((pane.raw, pane.pretty, *(f"{field.name}{field.value}{field.inside}" for field in pane.fields))).encode()
    assert pane.total == len(data)


def test_signs_that_hide_or_turn_text_are_made_visible() -> None:
    assert read("a\u202eb\u200b".encode()).raw == "a\\u202eb\\u200b"


def test_card_numbers_are_masked_in_bytes_too() -> None:
    assert "4111111111111111" not in hex_dump(b"4111111111111111")
    assert hex_dump(b"4111111111111111").endswith("************1111")
