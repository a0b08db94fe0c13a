"""Card numbers are masked in whatever is shown or exported, never in what is stored."""

from __future__ import annotations

import re
from itertools import accumulate, count, pairwise

# The numbers of the card networks, without signs between (for PostgreSQL as well). Order numbers and ids are as long,
# and one in ten has a fitting check digit, so each network's own lengths count.
CARD = (
    "4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    "|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|3(?:0[0-5]|[689][0-9]|5[2-8])[0-9]{13}|6[0-9]{15,18}"
    "|(?:5[0678]|6[0-9])[0-9]{11}(?:[0-9]{3})?|8[12][0-9]{14}|9792[0-9]{12}"
)
# How they are written in groups: 4 4 4 4, 4 6 5 and the like; not 12 3.
GROUPED = "4 4 4 [1-7]|4 6 [45]"
_CARD, _GROUPED = re.compile(CARD), re.compile(GROUPED)
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
        if start in edges and edges.isdisjoint(range(start + 1, start + 4)):  # a first group has four digits or all
            length = next((n for n in LENGTHS if _is_card(digits, start, start + n, edges, checks)), 0)
        stars.update(range(start, start + length - LEFT))
        start += length or 1
    return _starred(run[0], stars) if stars else run[0]


def _is_card(digits: str, start: int, end: int, edges: set[int], checks: tuple[list[int], list[int]]) -> bool:
    if end not in edges or not _CARD.fullmatch(digits, start, end) or not _fits(checks, start, end):
        return False
    places = [place for place in range(start, end + 1) if place in edges]
    lengths = " ".join(str(after - before) for before, after in pairwise(places))
    return len(places) == 2 or _GROUPED.fullmatch(lengths) is not None


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


_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """With every sign visible that a page would hide, or that turns the direction of the text."""
    return _HIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
