"""A table of a gateway's settings as inputs of a form, and read from them again, unchecked: nothing typed is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict

from ...gateways.base import Kind, Setting

Form = MultiDict[str, str]
WORD, OURS = "word", "ours"  # the two inputs of a row of words
AS_TYPED = (Kind.exact, Kind.pattern)  # blanks at the ends count


def inputs(setting: Setting, value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The table as (name of the input, text). What fits into no input is left out: see `fits`."""
    value = value if isinstance(value, dict) else {}
    if setting.is_words:
        for word, ours in sorted(value.items()):  # the database keeps no order
            yield f"{name}.{WORD}", word
            yield f"{name}.{OURS}", str(ours)
        return
    for entry in setting.entries:
        item = value.get(entry.key)
        if entry.kind is Kind.table:
            yield from inputs(entry, item, f"{name}.{entry.key}")
        elif item is not None:
            yield f"{name}.{entry.key}", str(item)


def is_there(setting: Setting, form: Form, name: str) -> bool:
    """Whether the form has inputs of the table at all; else it is sent as JSON."""
    return any(key.startswith(f"{name}.") for key in form)


def says(setting: Setting, form: Form, name: str) -> dict[str, Any]:
    """The table as the inputs say it; what is empty is not in it. Of a word that comes twice the last counts."""
    if setting.is_words:
        return {word: ours for word, ours in _rows(form, name) if word or ours}
    found: dict[str, Any] = {}
    for entry in setting.entries:
        if entry.kind is Kind.table:
            value: Any = says(entry, form, f"{name}.{entry.key}")
        else:
            value = _said(entry, form.get(f"{name}.{entry.key}", ""))
        if value not in ("", {}):
            found[entry.key] = value
    return found


def _said(entry: Setting, text: str) -> Any:
    text = text.replace("\r\n", "\n")
    if entry.kind not in AS_TYPED:
        text = text.strip()
    is_number = entry.kind is Kind.number and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else text


def _rows(form: Form, name: str) -> list[tuple[str, str]]:
    words, ours = form.getlist(f"{name}.{WORD}"), form.getlist(f"{name}.{OURS}")
    return [(word.strip(), one) for word, one in zip_longest(words, ours, fillvalue="")]


def rows(form: Form, name: str, spare: int) -> list[tuple[str, str]]:
    """Those that are filled in, and so many empty ones."""
    return [row for row in _rows(form, name) if any(row)] + [("", "")] * spare


def twice(form: Form, name: str) -> dict[str, str]:
    """What is wrong with rows of words as such: `{"signature": "..."}` by word."""
    words = [word for word, ours in _rows(form, name) if word]
    found = {word: "stands there twice" for word in words if words.count(word) > 1}
    if any(ours and not word for word, ours in _rows(form, name)):
        found[""] = "has no word of the gateway"
    return found


def fits(setting: Setting, value: Any) -> bool:
    """Whether inputs can say the table: read back it is the same."""
    try:
        return not value or says(setting, MultiDict(inputs(setting, value, "")), "") == value
    except TypeError:  # a key that is no text
        return False


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
