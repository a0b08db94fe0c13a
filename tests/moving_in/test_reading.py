"""What can be brought along, and what is said of what can't be read."""

from __future__ import annotations

import json
import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shopcallbacks.domain.values import Request
from shopcallbacks.moving_in.folder import read_folder
from shopcallbacks.moving_in.log import read_log
from shopcallbacks.moving_in.reading import Unreadable
from shopcallbacks.moving_in.yes_cart import REBUILT, read_export

AT = "2024-05-01T12:00:00.123456+02:00"


def line(**told: Any) -> str:
    return json.dumps({"received_at": AT, **told})


def test_a_log_has_a_callback_a_line_with_its_time_and_bytes() -> None:
    first = line(path="/hook", query="a=1", headers=[["X-A", "1"], ["X-A", "2"]], body="ü", address="192.0.2.1")
    second = line(method="GET", body_base64="AP8=", headers={"X-B": "3"})
    found = [one.request for one in read_log(f"{first}\n\n{second}\n")]
    at = datetime(2024, 5, 1, 10, 0, 0, 123456, UTC)
    assert found == [
        Request("POST", "/hook", b"a=1", (("X-A", "1"), ("X-A", "2")), "ü".encode(), "192.0.2.1", at),
        Request("GET", "/", b"", (("X-B", "3"),), b"\x00\xff", "", at),
    ]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("[]", "is not a JSON object"),
        ("{", "is not a JSON object"),
        ("{}", "received_at must be a moment with its zone"),
        (json.dumps({"received_at": "2024-05-01T12:00:00"}), "received_at must be a moment with its zone"),
        (json.dumps({"received_at": "2999-05-01T12:00:00Z"}), "received_at lies in the future"),
        (line(bodi="x"), "bodi: there is no such field"),
        (line(body={"a": 1}), "body must be text"),
        (line(path="/\x00"), "path must be text"),
        (line(path="/\ud800"), "path must be text"),
        (line(address="\udfff"), "address must be text"),
        (line(method="\x00"), "method must be text"),
        (line(headers={"X": "a\x00b"}), "a header must be text"),
        (line(headers=[["\ud800", ""]]), "a header's name must be text"),
        (line(headers={"X": 1}), "a header must be text"),
        (json.dumps({"received_at": "0001-01-01T00:00:00+14:00"}), "received_at must be a moment with its zone"),
        (line(headers=["X-A"]), "headers must be an object of texts"),
        (line(body_base64="?"), "body_base64 is no base64"),
    ],
)
def test_a_line_that_can_not_be_read_is_named_and_nothing_is_taken(told: str, sentence: str) -> None:
    with pytest.raises(Unreadable, match=f"^line 2: {sentence}"):
        read_log(f"{line()}\n{told}\n{line()}")


def test_of_a_thousand_bad_lines_the_first_ones_are_told() -> None:
    with pytest.raises(Unreadable) as raised:
        read_log("{}\n" * 1000)
    assert len(str(raised.value).splitlines()) == 21
    assert str(raised.value).endswith("... and 980 more.")


def test_a_folder_has_a_callback_a_file_with_the_files_time(tmp_path: Path) -> None:
    then = datetime(2024, 5, 1, 10, tzinfo=UTC)
    whole = b"PUT /hook?a=1 HTTP/1.1\r\nX-A: 1\r\nX-B:  two \r\n\r\nbody\r\n\r\nwith lines"
    for name, data in (("1.http", whole), ("2.bin", b"\x00\xff"), (".hidden", b"x")):
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, (then.timestamp(), then.timestamp()))
    headers = (("X-A", "1"), ("X-B", "two"))
    assert [one.request for one in read_folder(tmp_path)] == [
        Request("PUT", "/hook", b"a=1", headers, b"body\r\n\r\nwith lines", "", then),
        Request("POST", "/", b"", (), b"\x00\xff", "", then),
    ]


def test_a_file_of_the_future_is_named(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"x")
    os.utime(tmp_path / "1", (4e9, 4e9))
    with pytest.raises(Unreadable, match=r"^1: its time lies in the future"):
        read_folder(tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello", b"POST /hook HTTP/1.1\r\nX-A: 1\r\n", b"POST / HTTP/1.1\n!\n\n"])
def test_a_file_that_is_no_request_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.http").write_bytes(data)
    with pytest.raises(Unreadable, match=r"^bad\.http: is no HTTP request"):
        read_folder(tmp_path)


@pytest.mark.parametrize("data", [b"PO\x00ST / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nX-A: \x00\r\n\r\n"])
def test_a_file_whose_head_the_database_can_not_hold_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.http").write_bytes(data)
    with pytest.raises(Unreadable, match=r"^bad\.http: what stands before the body must be text"):
        read_folder(tmp_path)


def test_what_the_product_lets_download_can_be_brought_along_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "1.http").write_bytes(b"POST /callbacks/toys/main/x HTTP/1.1\r\n\r\n")
    (found,) = read_folder(tmp_path)
    assert (found.request.headers, found.request.body) == ((), b"")


EXPORT = """<?xml version="1.0" encoding="UTF-8"?>
<payment-gateway-callbacks>
<payment-gateway-callback id="7" guid="g7" shop-code="SHOP10"><payment-gateway>liqPay</payment-gateway>\
<request-dump>...</request-dump><request-parameters><request-parameter name="data"><value>a&amp;b=</value>\
</request-parameter><request-parameter name="tag"><value>1</value><value>2</value></request-parameter>\
</request-parameters><created-timestamp>2019-07-01 12:00:00</created-timestamp></payment-gateway-callback>
<payment-gateway-callback id="8" shop-code="SHOP20"><payment-gateway>postFinance</payment-gateway>\
<request-parameters><request-parameter name="x"><value>1</value></request-parameter></request-parameters>\
<created-timestamp>2019-01-01 12:00:00</created-timestamp></payment-gateway-callback>
</payment-gateway-callbacks>"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "callbacks.xml").write_text(EXPORT)
    return tmp_path / "callbacks.xml"


def test_of_an_export_of_yes_cart_the_body_is_made_from_its_parameters(export: Path) -> None:
    (found,) = read_export(export, "Europe/Vienna", "liqPay")
    assert found.request.body == b"data=a%26b%3D&tag=1&tag=2"
    assert found.request.header("content-type") == "application/x-www-form-urlencoded"
    assert found.request.arrived_at == datetime(2019, 7, 1, 10, tzinfo=UTC), "its times are the shop's"
    assert found.detail == REBUILT


def test_whose_callbacks_of_an_export_are_meant_must_be_said(export: Path) -> None:
    with pytest.raises(Unreadable, match=r"more than one gateway. Say of which by --label: liqPay, postFinance"):
        read_export(export, "UTC")
    (found,) = read_export(export, "UTC", shop_code="SHOP20")
    assert found.request.body == b"x=1"
    export.write_text(EXPORT.replace("postFinance", "liqPay"))
    with pytest.raises(Unreadable, match=r"more than one shop. Say of which by --shop-code: SHOP10, SHOP20"):
        read_export(export, "UTC", "liqPay")


@pytest.mark.parametrize(
    ("out", "in_", "sentence"),
    [
        ("2019-07-01 12:00:00", "yesterday", "callback 7: has no created-timestamp"),
        ("2019-07-01 12:00:00", "2999-07-01 12:00:00", "callback 7: created-timestamp lies in the future"),
        ("</payment-gateway-callbacks>", "", "It is no XML"),
        ("<value>1</value><value>2</value>", "", ""),
    ],
)
def test_what_an_export_lacks_is_said(export: Path, out: str, in_: str, sentence: str) -> None:
    export.write_text(EXPORT.replace(out, in_))
    if sentence:
        with pytest.raises(Unreadable, match=sentence):
            read_export(export, "UTC", "liqPay")
    else:
        assert read_export(export, "UTC", "liqPay")[0].request.body == b"data=a%26b%3D"


def test_of_a_large_export_one_callback_at_a_time_is_in_memory(export: Path) -> None:
    head, *callbacks, end = EXPORT.replace("...", "." * 5000).splitlines()[1:]
    export.write_text("\n".join([head, *(callbacks * 500), end]))
    tracemalloc.start()
    try:
        assert len(read_export(export, "UTC", "liqPay")) == 500
        assert tracemalloc.get_traced_memory()[1] < export.stat().st_size / 2
    finally:
        tracemalloc.stop()


def test_an_export_can_not_make_the_reader_fetch_or_unfold_anything(export: Path) -> None:
    export.write_text(EXPORT.replace("<payment-gateway-callbacks>", '<!DOCTYPE x [<!ENTITY e "e">]><x>'))
    with pytest.raises(ValueError, match="EntitiesForbidden"):
        read_export(export, "UTC")
