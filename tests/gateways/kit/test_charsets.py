"""Character sets by the names that senders give them."""

from __future__ import annotations

import pytest

from shopcallbacks.domain.values import Outcome
from shopcallbacks.gateways.kit.charsets import _CODECS, codec, named_by_form, named_by_type
from shopcallbacks.gateways.kit.fields import message_by_fields

SETTINGS = {
    "content": "form",
    "fields": {"order_number": "/order", "status": "/status"},
    "statuses": {"no": "failed"},
    "default_outcome": "unclear",
    "amount_unit": "minor",
    "test_values": [],
}


@pytest.mark.parametrize("name", sorted(_CODECS))
def test_every_set_is_known_to_python_and_ascii_means_ascii_in_it(name: str) -> None:
    assert b"order-12".decode(codec(name) or "") == "order-12"


@pytest.mark.parametrize("name", ["utf-7", "rot13", "zip", "unicode_escape", "idna", "utf-16", "hz", "", None])
def test_what_is_no_character_set_of_a_form_is_none(name: str | None) -> None:
    assert codec(name) is None


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/x-www-form-urlencoded; charset=Shift_JIS", "Shift_JIS"),
        ('text/plain; a=b; Charset = "windows-1252"', "windows-1252"),
        ("text/plain; charset=utf-7", None),
        ("text/plain", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_type_names_one(content_type: str | None, name: str | None) -> None:
    assert named_by_type(content_type) == name


def test_a_form_names_its_own_and_what_is_not_known_is_passed_over() -> None:
    assert named_by_form([(b"charset", b"gb2312")]) == "gb2312"
    assert named_by_form([(b"charset", b"gb2312"), (b"_charset_", b"Shift_JIS")]) == "Shift_JIS"
    assert named_by_form([(b"_charset_", b"\xff"), (b"charset", b"zip")]) is None


def test_a_form_read_by_settings_is_read_in_its_own_character_set() -> None:
    form = b"order=%8eR-7&status=no&charset=Shift_JIS"
    message = message_by_fields(form, lambda name: None, SETTINGS)
    assert (message.outcome, message.order_number) == (Outcome.failed, "山-7")
