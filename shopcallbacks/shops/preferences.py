"""What a user likes: how times and numbers are written, how tall rows are, which columns the panel has, and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from ..domain.states import Column
from ..words.formats import LOCALES, USUAL, Format


class Density(StrEnum):
    """How high the rows of tables are."""

    comfortable = "comfortable"
    compact = "compact"


@cache
def zones() -> dict[str, list[str]]:
    """The time zones that can be chosen, by region."""
    found: dict[str, list[str]] = {"": ["UTC"]}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in ("Etc", "SystemV", "US", "posix", "right"):
            found.setdefault(region, []).append(name)
    return found


class Unknown(ValueError):
    """A value that can't be chosen: a sentence saying so."""


@dataclass(frozen=True)
class Preferences:
    """`time_zone` empty: the shop's. `letters`: whether keys of one letter act."""

    time_zone: str = ""
    locale: str = USUAL
    exact: bool = False
    density: Density = Density.comfortable
    columns: tuple[Column, ...] = (Column.age, Column.amount)
    letters: bool = True

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Preferences:
        """As they were kept. Never raises: what can't be chosen any more is as usual."""
        found = cls()
        for name, value in kept.items():
            try:
                found = found.but(**{name: value})
            except Unknown:
                continue
        return found

    def but(self, **changes: Any) -> Preferences:
        """With these choices; `Unknown` where one can't be chosen."""
        if unknown := set(changes) - set(_READERS):
            raise Unknown(f"There is no setting “{min(unknown)[:40]}”.")
        return replace(self, **{name: _READERS[name](value) for name, value in changes.items()})

    @property
    def kept(self) -> dict[str, Any]:
        return asdict(self)

    def format(self, shop_zone: str) -> Format:
        return Format(self.time_zone or shop_zone, self.locale, self.exact)


def _zone(value: object) -> str:
    if value and not any(value in names for names in zones().values()):
        raise Unknown(f"There is no time zone “{str(value)[:40]}” to choose.")
    return str(value or "")


def _locale(value: object) -> str:
    if not isinstance(value, str) or value not in LOCALES:
        raise Unknown(f"There is no format “{str(value)[:40]}” to choose.")
    return value


def _density(value: object) -> Density:
    if value not in list(Density):
        raise Unknown(f"Rows can be {' or '.join(Density)}, not “{str(value)[:40]}”.")
    return Density(str(value))


def _columns(value: object) -> tuple[Column, ...]:
    """In the panel's order, each once."""
    names = list(value) if isinstance(value, Iterable) else [value]
    for name in names:
        if name not in list(Column):
            raise Unknown(f"There is no column “{str(name)[:40]}” to choose.")
    return tuple(column for column in Column if column in names)


_READERS: Mapping[str, Callable[[object], Any]] = {
    "time_zone": _zone,
    "locale": _locale,
    "exact": bool,
    "density": _density,
    "columns": _columns,
    "letters": bool,
}
