"""Order numbers near the one a gateway gave, each with the reason in words: for a person who looks for the order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from .numbers import number_key
from .values import Money

# Fewer signs in common say nothing: every third order ends with 7.
COMMON = 3


@dataclass(frozen=True)
class Said:
    """What a gateway said of the order it means. `limit`: so many characters of a number it gives back, where known."""

    number: str | None
    money: Money | None = None
    customer: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Candidate:
    """An order of the shop."""

    number: str
    total: Money
    customer: str | None = None


@dataclass(frozen=True, order=True)
class Near:
    """A candidate that may be meant, the likeliest first: by how alike the numbers are, then whether the sum agrees.

    `why`: half a sentence, "differs by capitals only; the same sum".
    """

    rank: int
    other_sum: bool
    number: str
    why: str


def loose(number: str) -> str:
    """What is left of a number when capitals, blanks and wide letters don't count."""
    return "".join(unicodedata.normalize("NFKC", number).casefold().split())


def near(said: Said, candidates: Iterable[Candidate]) -> list[Near]:
    """Those of the candidates that may be meant, the likeliest first."""
    found = (_compared(said, candidate) for candidate in candidates)
    return sorted(one for one in found if one is not None)


def _compared(said: Said, candidate: Candidate) -> Near | None:
    alike = _alike(said, candidate.number)
    same_sum = said.money == candidate.total
    same_customer = bool(said.customer and candidate.customer and loose(said.customer) == loose(candidate.customer))
    if alike is None:
        if not (same_sum and same_customer):
            return None
        alike = len(_REASONS), "the same sum and e-mail"
    elif same_sum or same_customer:
        alike = alike[0], f"{alike[1]}; the same {' and '.join(['sum'] * same_sum + ['e-mail'] * same_customer)}"
    return Near(alike[0], not same_sum, candidate.number, alike[1])


def _alike(said: Said, number: str) -> tuple[int, str] | None:
    """The rank, which is the place of the first reason that holds, and that reason."""
    if not said.number or not loose(said.number):
        return None
    for rank, reason in enumerate(_REASONS):
        why = reason(said.number, number, said.limit)
        if why:
            return rank, why
    return None


def _form(said: str, number: str, limit: int | None) -> str:
    same = number_key(said) == number_key(number)
    return "differs by blanks at the ends or by Unicode form only" if same else ""


def _capitals(said: str, number: str, limit: int | None) -> str:
    return "differs by capitals only" if number_key(said).casefold() == number_key(number).casefold() else ""


def _blanks(said: str, number: str, limit: int | None) -> str:
    return "differs by blanks or wide letters only" if loose(said) == loose(number) else ""


def _cut_off(said: str, number: str, limit: int | None) -> str:
    if not _is_start(loose(said), loose(number)):
        return ""
    if limit is not None and len(number_key(said)) == limit:
        return f"cut off after {limit} characters, as this gateway does"
    return f"lacks “{loose(number)[len(loose(said)) :]}” at the end"


def _suffix(said: str, number: str, limit: int | None) -> str:
    more = _is_start(loose(number), loose(said))
    return f"has “{loose(said)[len(loose(number)) :]}” behind it" if more else ""


def _prefix(said: str, number: str, limit: int | None) -> str:
    more = _is_start(loose(number)[::-1], loose(said)[::-1])
    return f"has “{loose(said)[: -len(loose(number))]}” before it" if more else ""


def _lacks_start(said: str, number: str, limit: int | None) -> str:
    less = _is_start(loose(said)[::-1], loose(number)[::-1])
    return f"lacks “{loose(number)[: -len(loose(said))]}” at the start" if less else ""


def _is_start(start: str, whole: str) -> bool:
    return COMMON <= len(start) < len(whole) and whole.startswith(start)


_REASONS = (_form, _capitals, _blanks, _cut_off, _suffix, _prefix, _lacks_start)
