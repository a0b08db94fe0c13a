"""What is read of a file that somebody brings along: all of it, or nothing, with a sentence for what can't be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

MOST_TOLD = 20
R = TypeVar("R")


class Unreadable(ValueError):
    """Nothing was taken: a sentence for each place that can't be read, the first ones."""

    def __init__(self, problems: list[str]) -> None:
        told = problems[:MOST_TOLD]
        if len(problems) > MOST_TOLD:
            told.append(f"... and {len(problems) - MOST_TOLD} more.")
        super().__init__("\n".join(told))


def read_all(places: Iterable[tuple[str, Any]], read: Callable[[Any], R]) -> list[R]:
    """What stands in each place ("line 3"); `Unreadable` unless all can be read. `read` raises `ValueError`."""
    found, problems = [], []
    for place, told in places:
        try:
            found.append(read(told))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise Unreadable(problems)
    return found


def json_lines(text: str) -> Iterator[tuple[str, str]]:
    """The lines that hold something, each with its place. (JSON may hold what Unicode calls an end of a line.)"""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", line


def json_object(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise ValueError("is not a JSON object")
    return told


def plain(told: Any, name: str) -> str:
    """Text that the database takes."""
    if not isinstance(told, str) or _UNFIT.search(told):
        raise ValueError(f"{name} must be text")
    return told


_UNFIT = re.compile("[\x00\ud800-\udfff]")  # NUL, and halves of a character, which JSON can hold


def moment(told: Any, name: str) -> datetime:
    """A moment in the past with its zone, in UTC."""
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
        utc = found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise ValueError(f'{name} must be a moment with its zone, "2024-05-01T12:00:00+02:00"')
    return past(utc, name)


def past(at: datetime, name: str) -> datetime:
    if at > datetime.now(UTC):
        raise ValueError(f"{name} lies in the future")
    return at
