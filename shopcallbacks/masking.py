"""Card numbers are masked in whatever is shown or exported, never in what is stored."""

from __future__ import annotations

import re
from itertools import accumulate, count

# How the numbers of card networks begin. Long ids that begin otherwise are no cards, though one in ten has a fitting
# check digit.
BEGINNING = r"[3-6]|2[2-7]|8[12]|9792"
_BEGINNING = re.compile(BEGINNING)
_BETWEEN = r"[ \u00a0+-]|%20|%2[dD]"
_BEFORE = r"%[0-9A-Fa-f]{2}"  # whose last digit is none of the number's
_RUN = re.compile(rf"(?:{_BEFORE})?[0-9](?:(?:{_BETWEEN})?[0-9]){{12,}}", re.ASCII)
_SIGN = re.compile(rf"^{_BEFORE}|{_BETWEEN}", re.ASCII)
_PIECE = re.compile(rf"{_SIGN.pattern}|[0-9]", re.ASCII)
LENGTHS, LEFT = range(19, 12, -1), 4
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def mask(text: str) -> str:
    """The text with every card number in it starred but for its last four digits; its length stays."""
    return _RUN.sub(_mask_run, text)


def mask_bytes(data: bytes) -> bytes:
    """The same for bytes in whatever character set, as long as its digits are ASCII."""
    return mask(data.decode("latin-1")).encode("latin-1")


def _mask_run(run: re.Match[str]) -> str:
    """Groups of digits with one sign between: a card number is one group or some that follow each other."""
    groups = _SIGN.split(run[0])
    digits = "".join(groups)
    edges = set(accumulate(map(len, groups), initial=0))
    stars, start = set[int](), 0
    checks = _running_checks(digits)
    while start <= len(digits) - LENGTHS[-1]:
        length = 0
        if start in edges and _BEGINNING.match(digits, start):
            ends = (n for n in LENGTHS if start + n in edges and _fits(checks, start, start + n))
            length = next(ends, 0)
        stars.update(range(start, start + length - LEFT))
        start += length or 1
    return _starred(run[0], stars) if stars else run[0]


def _running_checks(digits: str) -> tuple[list[int], list[int]]:
    """Luhn's sums up to each place, with every even place doubled, and with every odd one."""
    values = [int(digit) for digit in digits]
    doubled = [_DOUBLED[value] for value in values]
    even, odd = (
        list(accumulate((doubled[i] if i % 2 == side else values[i] for i in range(len(values))), initial=0))
        for side in (0, 1)
    )
    return even, odd


def _fits(checks: tuple[list[int], list[int]], start: int, end: int) -> bool:
    """The last digit is Luhn's check digit of the others: of those every second from the right is doubled."""
    sums = checks[end % 2]
    return (sums[end] - sums[start]) % 10 == 0


def _starred(run: str, stars: set[int]) -> str:
    """The run with the digits of those places starred; those of `%20` have none."""
    places = count()
    pieces = _PIECE.findall(run)
    return "".join("*" if piece.isdigit() and next(places) in stars else piece for piece in pieces)
