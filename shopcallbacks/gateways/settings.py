"""A gateway account's settings: checked and completed from the gateway's own description of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .base import Gateway, Kind, Setting
from .kit.places import pattern_problem, place_problem


class BadSettings(ValueError):
    """Settings that can't be used: a sentence for each bad one, by its key."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        self.problems = problems


def complete(gateway: Gateway, given: Mapping[str, Any]) -> dict[str, Any]:
    """All the gateway's settings, defaults filled in. Settings it does not know are left out, and keys of null."""
    settings = {}
    for setting in gateway.settings:
        value = _without_nulls(given.get(setting.key)) if setting.entries else given.get(setting.key)
        settings[setting.key] = setting.default if value is None else value
    return settings


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def check(gateway: Gateway, given: Mapping[str, Any], test: bool | None = None) -> dict[str, Any]:
    """The completed settings; `BadSettings` where one is unknown, missing or of the wrong kind, where some do not go
    together, or a key is of the gateway's live system while the account is for tests (`test`), or the other way round.
    What is wrong inside a table is told by its own key: `signature.encoding`. `test` None: either may be.
    """
    described = {setting.key: setting for setting in gateway.settings}
    problems = {key: "this gateway has no such setting" for key in given if key not in described}
    settings = complete(gateway, given)
    for key, setting in described.items():
        wrong = _problems(setting, settings[key], key)
        mode = None if wrong else _wrong_mode(setting, settings[key], test)
        problems |= {key: mode} if mode else wrong
    bad = {path.partition(".")[0] for path in problems}
    problems |= gateway.faults({key: value for key, value in settings.items() if key not in bad})
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


def _problems(setting: Setting, value: Any, path: str) -> dict[str, str]:
    """What is wrong with it, and of a table with each of its keys."""
    has_needed = any(entry.required for entry in setting.entries)
    needed_within = setting.required and has_needed and (value is None or value == {})
    problem = None if needed_within else _problem(setting, value)
    if problem:
        return {path: problem}
    if setting.is_words:
        words = Setting("", "", Kind.choice, choices=setting.choices, required=True)
        found = {f"{path}.{word}": _problem(words, ours) for word, ours in (value or {}).items()}
        return {key: problem for key, problem in found.items() if problem}
    return _table_problems(setting, value or {}, path) if value or needed_within else {}


def _table_problems(setting: Setting, value: Any, path: str) -> dict[str, str]:
    if not setting.entries:
        return {}
    problems: dict[str, str] = {}
    known = [entry.key for entry in setting.entries]
    unknown = [repr(key) for key in value if key not in known]
    if unknown:
        problems[path] = f"holds {', '.join(unknown)}, which it does not know; it knows {', '.join(known)}"
    for entry in setting.entries:
        problems |= _problems(entry, value.get(entry.key), f"{path}.{entry.key}")
    return problems


def _problem(setting: Setting, value: Any) -> str | None:
    if value is None or value in ("", [], {}):
        return "is needed" if setting.required else None
    match setting.kind:
        case Kind.number:
            return _number_problem(setting, value)
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
        case Kind.place if isinstance(value, str):
            return place_problem(value)
        case Kind.pattern if isinstance(value, str):
            return pattern_problem(value, setting.choices)
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


def _number_problem(setting: Setting, value: Any) -> str | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and setting.least <= value and (setting.most is None or value <= setting.most):
        return None
    within = f", {setting.least} or more" if setting.most is None else f" from {setting.least} to {setting.most}"
    return f"must be a whole number{within}"


def _secret_problem(setting: Setting, value: Any) -> str | None:
    if not setting.parts:
        return None if _is_text(value) else "must be text"
    texts = _texts(setting, value)
    ok = len(texts) == len(setting.parts) and all(map(_is_text, texts))
    return None if ok else f"must hold {', '.join(setting.parts)}"


def _texts(setting: Setting, value: Any) -> list[Any]:
    """What a secret of several parts holds for them; nothing where it is of another shape."""
    if setting.keyed:
        return list(value.values()) if isinstance(value, dict) and set(value) == set(setting.parts) else []
    return value if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
