"""A text as a cell, made harmless: no line ends (so that every line is one record), no card numbers, and in CSV no
formulas.

Nearly all texts are harmless already, so many lines of CSV are looked at together, and only a suspect cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ...words.masking import mask

# A text, and whether the file itself says that the cell is one, so that what looks like a formula is none.
Guard = Callable[[str, bool], str]

# Put before a text that a stranger wrote into a column of the shop's own.
FOREIGN = "\x1f"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Where spreadsheets have a formula begin, by full-width signs too; those whose list separator is the semicolon, behind
# each one.
_FORMULA = re.compile("(?:^|(?<=;))(?= *[=+@＝＋＠－-])")


def ours(text: str, typed: bool) -> str:
    """One of our own words."""
    return text


def the_shops(text: str, typed: bool) -> str:
    """May look like a card number, and is none."""
    return a_strangers(text[len(FOREIGN) :], typed) if text.startswith(FOREIGN) else _plain(text, typed)


def a_strangers(text: str, typed: bool) -> str:
    """Whatever somebody wrote."""
    return mask(_plain(text, typed))


def _plain(text: str, typed: bool) -> str:
    plain = _CONTROL.sub(" ", text)
    return plain if typed else _FORMULA.sub("'", plain)


# What tells of harm, once the signs that do the same are the same sign: beginnings count behind commas, quotes and line
# ends, digits in groups or many.
_ALIKE = {
    b"0": b"0123456789",
    b"-": b"-+ =@",
    b",": b',"\n',
    FOREIGN.encode(): bytes({*range(32), *range(127, 256), *b";%"} - {*b"\n"}),
}
_KINDS = bytes.maketrans(b"".join(_ALIKE.values()), b"".join(kind * len(signs) for kind, signs in _ALIKE.items()))
_TELLING = (FOREIGN.encode(), b",-", b"0" * 13, b"0000-0000")


def suspects(records: bytes, count: int, own: int) -> list[slice]:
    """Where among so many records of CSV a cell may be other than it should be, in their order. Each is whole and ends
    with a line end; its last `own` cells are ours.
    """
    if records.count(b"\n") != count:  # one is of many lines
        return [slice(0, len(records))]
    signs = b"," + records.translate(_KINDS)
    found = {line for telling in _TELLING for line in _lines(records, signs, telling, own)}
    return [slice(*line) for line in sorted(found)]


def _lines(records: bytes, signs: bytes, telling: bytes, own: int) -> Iterator[tuple[int, int]]:
    """From where to where those lines are that hold it before their own cells. `signs` are the kinds of the records',
    one comma before.
    """
    at = signs.find(telling)
    while at >= 0:
        last = at + len(telling) - 2
        end = records.index(b"\n", last) + 1
        if records.count(b",", last, end) >= own:  # a digest may have as many digits as a card
            yield records.rfind(b"\n", 0, last) + 1, end
        at = signs.find(telling, end)
