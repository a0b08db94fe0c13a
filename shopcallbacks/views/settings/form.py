"""The form of a gateway's settings: drawn from their description, read back with a sentence for each bad field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict

from ...gateways.base import Gateway, Kind, Setting
from ...gateways.settings import BadSettings, check, read_text

Form = MultiDict[str, str]
LINES = (Kind.texts, Kind.secrets)


@dataclass(frozen=True)
class FormField:
    """One setting as it stands in the form. `chosen`: of `choices`, those that are ticked."""

    setting: Setting
    text: str = ""
    chosen: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        return name_of(self.setting)

    @property
    def default(self) -> str:
        return as_text(self.setting, self.setting.default)


def name_of(setting: Setting, part: str = "") -> str:
    """The name of the input: apart from those of the account itself."""
    return f"set.{setting.key}" + (f".{part}" if part else "")


def fields(gateway: Gateway, settings: Mapping[str, Any], problems: Mapping[str, str] | None = None) -> list[FormField]:
    """The fields with what the settings hold, or the default; secrets are empty."""
    problems = problems or {}
    found = []
    for setting in gateway.settings:
        value = None if setting.is_secret else settings.get(setting.key)
        value = setting.default if value is None else value
        chosen = tuple(value or ()) if setting.kind is Kind.choices else ()
        found.append(FormField(setting, as_text(setting, value), chosen, problems.get(setting.key, "")))
    return found


def typed(gateway: Gateway, form: Form, problems: Mapping[str, str]) -> list[FormField]:
    """The fields with what was typed, nothing lost but secrets."""
    found = []
    for setting in gateway.settings:
        text = "" if setting.is_secret else form.get(name_of(setting), "")
        chosen = tuple(form.getlist(name_of(setting))) if setting.kind is Kind.choices else ()
        found.append(FormField(setting, text, chosen, problems.get(setting.key, "")))
    return found


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
    given = {key: value for key, value in given.items() if value is not None}
    try:
        check(gateway, complete(given), test)
    except BadSettings as error:
        problems = error.problems | problems
    if problems:
        raise BadSettings(problems)
    return given


def _read(setting: Setting, form: Form) -> Any:
    if setting.kind is Kind.choices:
        return form.getlist(name_of(setting)) or None
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
    """A setting as it is typed."""
    if value is None or setting.kind is Kind.choices:
        return ""
    if setting.kind is Kind.table:
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
    return "\n".join(value) if setting.kind in LINES else str(value)
