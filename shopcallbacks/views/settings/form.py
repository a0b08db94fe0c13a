"""The form of a gateway's settings: drawn from their description, read back with a sentence for each bad field.

A table stands there in fields, and as JSON under "advanced"; what is sent as JSON alone, or with the box `json` ticked,
is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict

from ...gateways.base import Gateway, Kind, Setting
from ...gateways.settings import BadSettings, check, read_text
from . import tables

Form = MultiDict[str, str]
LINES = (Kind.texts, Kind.secrets)
SPARE = 2  # empty rows at the end of a table of words


@dataclass(frozen=True)
class Row:
    """A word of the gateway and what it means, as it stands in the form."""

    word: str
    ours: str
    problem: str = ""


@dataclass(frozen=True)
class FormField:
    """One setting as it stands in the form. `chosen`: of `choices`, those that are ticked; `text` of a table: its JSON.

    `name` is that of its input; `by_json`: the JSON counts, not `entries` or `rows`.
    """

    setting: Setting
    name: str
    text: str = ""
    chosen: tuple[str, ...] = ()
    problem: str = ""
    entries: tuple[FormField, ...] = ()
    rows: tuple[Row, ...] = ()
    by_json: bool = False

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def wrong(self) -> list[str]:
        """What is wrong with it and with what it holds, in sentences."""
        own = [f"{self.setting.label}: this {self.problem}."] if self.problem else []
        rows = [f"{row.word or 'A row without a word'}: this {row.problem}." for row in self.rows if row.problem]
        return own + rows + [sentence for entry in self.entries for sentence in entry.wrong]

    @property
    def default(self) -> str:
        return as_text(self.setting, self.setting.default)


def name_of(setting: Setting, part: str = "") -> str:
    """The name of the input: apart from those of the account itself."""
    return f"set.{setting.key}" + (f".{part}" if part else "")


def fields(gateway: Gateway, settings: Mapping[str, Any], problems: Mapping[str, str] | None = None) -> list[FormField]:
    """The fields with what the settings hold, or the default; secrets are empty."""
    form: Form = MultiDict()
    for setting in gateway.settings:
        value = None if setting.is_secret else settings.get(setting.key)
        value = setting.default if value is None else value
        if setting.kind is Kind.choices:
            form.setlist(name_of(setting), list(value or ()))
            continue
        form.add(name_of(setting), as_text(setting, value))
        for name, text in tables.inputs(setting, value, name_of(setting)) if setting.in_fields else ():
            form.add(name, text)
        if setting.in_fields and not tables.fits(setting, value):
            form["json"] = "1"
    return _drawn(gateway, form, problems or {})


def typed(gateway: Gateway, form: Form, problems: Mapping[str, str]) -> list[FormField]:
    """The fields with what was typed, nothing lost but secrets. Fields and JSON say the same, where they can."""
    form = MultiDict(form)
    for setting in gateway.settings:
        name = name_of(setting)
        if not setting.in_fields:
            continue
        if not _counts_json(setting, form):
            form[name] = tables.as_json(tables.says(setting, form, name))
            continue
        try:
            value = _read(setting, form)
        except BadSettings:
            form["json"] = "1"
            continue
        for key in [key for key in form if key.startswith(f"{name}.")]:
            del form[key]
        for key, text in tables.inputs(setting, value, name):
            form.add(key, text)
    return _drawn(gateway, form, problems)


def _drawn(gateway: Gateway, form: Form, problems: Mapping[str, str]) -> list[FormField]:
    return [_field(setting, form, name_of(setting), setting.key, problems) for setting in gateway.settings]


def _field(setting: Setting, form: Form, name: str, path: str, problems: Mapping[str, str]) -> FormField:
    chosen = tuple(form.getlist(name)) if setting.kind is Kind.choices else ()
    return FormField(
        setting,
        name,
        "" if setting.is_secret else form.get(name, ""),
        chosen,
        problems.get(path, ""),
        tuple(_field(one, form, f"{name}.{one.key}", f"{path}.{one.key}", problems) for one in setting.entries),
        tuple(Row(*row, problems.get(f"{path}.{row[0]}", "")) for row in _rows(form, name) if setting.is_words),
        "json" in form,
    )


def _rows(form: Form, name: str) -> list[tuple[str, str]]:
    return tables.rows(form, name, SPARE + (4 if form.get("rows") == name else 0))


def read(
    gateway: Gateway, form: Form, test: bool, complete: Callable[[dict[str, Any]], dict[str, Any]] = dict
) -> dict[str, Any]:
    """The settings as given, for an account in test mode or in live mode; `BadSettings` naming every bad one.
    `complete` adds the secrets the account has.
    """
    given: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for setting in gateway.settings:
        try:
            given[setting.key] = read_secrets(setting, form) if setting.is_secret else _read(setting, form)
        except BadSettings as error:
            problems |= error.problems
        if setting.is_words and not _counts_json(setting, form):
            found = tables.twice(form, name_of(setting))
            problems |= {f"{setting.key}.{word}": problem for word, problem in found.items()}
    given = {key: value for key, value in given.items() if value is not None}
    try:
        check(gateway, complete(given), test)
    except BadSettings as error:
        unread = set(problems)
        problems |= {key: told for key, told in error.problems.items() if not {key, key.partition(".")[0]} & unread}
    if problems:
        raise BadSettings(problems)
    return given


def _counts_json(setting: Setting, form: Form) -> bool:
    return "json" in form or not tables.is_there(setting, form, name_of(setting))


def _read(setting: Setting, form: Form) -> Any:
    if setting.kind is Kind.choices:
        return form.getlist(name_of(setting)) or None
    if setting.in_fields and not _counts_json(setting, form):
        return tables.says(setting, form, name_of(setting)) or None
    return read_text(setting, form.get(name_of(setting), "").replace("\r\n", "\n"))


def read_secrets(setting: Setting, form: Form) -> Any:
    """One secret an input, or one in several inputs of which none may be empty."""
    if setting.parts:
        columns = [[text.strip() for text in form.getlist(name_of(setting, part))] for part in setting.parts]
        rows = [row for row in zip_longest(*columns, fillvalue="") if any(row)]
        if any(not all(row) for row in rows):
            raise BadSettings({setting.key: f"must hold {', '.join(setting.parts)}"})
        values: list[Any] = [dict(zip(setting.parts, row, strict=True)) if setting.keyed else list(row) for row in rows]
    else:
        values = [text.strip() for text in form.getlist(name_of(setting)) if text.strip()]
    if not values:
        return None
    return values if setting.kind is Kind.secrets else values[0]


def as_text(setting: Setting, value: Any) -> str:
    """A setting as it is typed; a table as JSON."""
    if value is None or setting.kind is Kind.choices:
        return ""
    if setting.kind is Kind.table:
        return tables.as_json(value)
    return "\n".join(value) if setting.kind in LINES else str(value)
