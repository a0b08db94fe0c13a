"""A gateway account's settings: checked and completed from the gateway's own description of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .base import Gateway, Kind, Setting


class BadSettings(ValueError):
    """Settings that can't be used: a sentence for each bad one, by its key."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        self.problems = problems


def complete(gateway: Gateway, given: Mapping[str, Any]) -> dict[str, Any]:
    """All the gateway's settings, defaults filled in. Settings it does not know are left out."""
    settings = {}
    for setting in gateway.settings:
        value = given.get(setting.key)
        settings[setting.key] = setting.default if value is None else value
    return settings


def check(gateway: Gateway, given: Mapping[str, Any], test: bool | None = None) -> dict[str, Any]:
    """The completed settings; `BadSettings` where one is unknown, missing or of the wrong kind, or a key of the
    gateway's live system while the account is for tests (`test`), or the other way round. None: either may be.
    """
    described = {setting.key: setting for setting in gateway.settings}
    problems = {key: "this gateway has no such setting" for key in given if key not in described}
    settings = complete(gateway, given)
    for key, setting in described.items():
        problem = _problem(setting, settings[key]) or _wrong_mode(setting, settings[key], test)
        if problem:
            problems[key] = problem
    if problems:
        raise BadSettings(problems)
    return settings


def check_one(setting: Setting, value: Any, test: bool | None = None) -> None:
    """`BadSettings` where the value does not fit, or there is none."""
    problem = _problem(setting, value) or (None if value else "is needed") or _wrong_mode(setting, value, test)
    if problem:
        raise BadSettings({setting.key: problem})


def read_text(setting: Setting, text: str) -> Any:
    """A setting as typed in a form or on the command line; `BadSettings` where it can't be read."""
    text = text.strip()
    try:
        if not text:
            return None
        if setting.kind is Kind.number:
            return int(text)
        if setting.kind is Kind.table or setting.parts:
            return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadSettings({setting.key: f"must be JSON; reading stopped at {where}"}) from None
    except (ValueError, RecursionError):
        what = "a whole number" if setting.kind is Kind.number else "JSON"
        raise BadSettings({setting.key: f"must be {what}"}) from None
    if setting.kind in (Kind.texts, Kind.choices, Kind.secrets):
        # A PEM block has line ends of its own, so it is one item.
        return [text] if "-----BEGIN" in text else [line.strip() for line in text.splitlines() if line.strip()]
    return text


def _problem(setting: Setting, value: Any) -> str | None:
    if value is None or value in ("", [], {}):
        return "is needed" if setting.required else None
    match setting.kind:
        case Kind.number:
            return None if isinstance(value, int) and value >= 0 else "must be a whole number, 0 or more"
        case Kind.choice:
            return None if value in setting.choices else f"must be one of {', '.join(setting.choices)}"
        case Kind.choices:
            ok = isinstance(value, list) and all(item in setting.choices for item in value)
            return None if ok else f"must be some of {', '.join(setting.choices)}"
        case Kind.table:
            return None if isinstance(value, dict) else "must be a JSON object"
        case Kind.texts:
            return None if isinstance(value, list) and all(isinstance(item, str) for item in value) else "must be texts"
        case Kind.secrets:
            items = value if isinstance(value, list) else [None]
            problems = [problem for item in items if (problem := _secret_problem(setting, item))]
            return problems[0] if problems else None
        case Kind.secret:
            return _secret_problem(setting, value)
        case _:
            return None if isinstance(value, str) else "must be text"


def _wrong_mode(setting: Setting, value: Any, test: bool | None) -> str | None:
    if test is None:
        return None
    items = value if isinstance(value, list) else [value]
    start = next((found for item in items if (found := setting.other_mode(item, test))), None)
    if start is None:
        return None
    key, mode = ("live", "test") if test else ("test", "live")
    return f"is a {key} key (it begins with {start}), and the account is in {mode} mode"


def _secret_problem(setting: Setting, value: Any) -> str | None:
    if not setting.parts:
        return None if isinstance(value, str) and value else "must be text"
    names = ", ".join(setting.parts)
    if setting.keyed:
        ok = isinstance(value, dict) and set(value) == set(setting.parts)
    else:
        ok = isinstance(value, list) and len(value) == len(setting.parts)
    return None if ok else f"must hold {names}"
