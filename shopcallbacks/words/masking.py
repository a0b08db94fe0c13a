"""Card numbers are masked in whatever is shown or exported, never in what is stored."""

from __future__ import annotations

import re
from itertools import count

# The numbers of the card networks, without signs between. Order numbers and ids are as long, and one in ten has a
# fitting check digit, so each network's own lengths count.
_CARD = re.compile(
    "4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    "|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|3(?:0[0-5]|[689][0-9]|5[2-8])[0-9]{13}|6[0-9]{15,18}"
    "|(?:5[0678]|6[0-9])[0-9]{11}(?:[0-9]{3})?|8[12][0-9]{14}|9792[0-9]{12}"
)
# How they are written in groups: 4 4 4 4, 4 6 5 and the like; not 12 3.
_GROUPED = re.compile("4 4 4 [1-7]|4 6 [45]")
_BETWEEN = r"[ \u00a0+-]|%20|%2[dD]"
_BEFORE = r"%[0-9A-Fa-f]{2}"  # whose last digit is none of the number's
_RUN = re.compile(rf"(?:{_BEFORE})?[0-9](?:(?:{_BETWEEN})?[0-9]){{12,}}", re.ASCII)
_SIGN = re.compile(rf"^{_BEFORE}|{_BETWEEN}", re.ASCII)
_PIECE = re.compile(rf"{_SIGN.pattern}|[0-9]", re.ASCII)
LEFT = 4
# Of how many groups a number can be, by the length of its first one.
_COUNTS = {4: (4, 3), **dict.fromkeys(range(13, 20), (1,))}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def mask(text: str) -> str:
    """The text with every card number in it starred but for its last four digits; its length stays."""
    return _RUN.sub(_mask_run, text)


def mask_bytes(data: bytes) -> bytes:
    """The same for bytes in whatever character set, as long as its digits are ASCII."""
    return mask(data.decode("latin-1")).encode("latin-1")


def _mask_run(run: re.Match[str]) -> str:
    """Groups of digits with one sign between: a card number is one group, or three or four that follow each other."""
    groups = _SIGN.split(run[0])
    stars, nth, place = set[int](), 0, 0
    while nth < len(groups):
        counts = _COUNTS.get(len(groups[nth]), ())
        taken = next((count for count in counts if _is_card(groups[nth : nth + count])), 0)
        length = sum(map(len, groups[nth : nth + taken])) if taken else len(groups[nth])
        if taken:
            stars.update(range(place, place + length - LEFT))
        nth, place = nth + (taken or 1), place + length
    return _starred(run[0], stars) if stars else run[0]


def _is_card(groups: list[str]) -> bool:
    lengths = " ".join(str(len(group)) for group in groups)
    number = "".join(groups) if len(groups) == 1 or _GROUPED.fullmatch(lengths) else ""
    return _CARD.fullmatch(number) is not None and _check_digit_fits(number)


def _check_digit_fits(number: str) -> bool:
    """Luhn's: of all digits, from the right, every second is doubled."""
    values = [int(digit) for digit in reversed(number)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def _starred(run: str, stars: set[int]) -> str:
    """The run with the digits of those places starred; those of `%20` have none."""
    places = count()
    pieces = _PIECE.findall(run)
    return "".join("*" if piece.isdigit() and next(places) in stars else piece for piece in pieces)


_ODD, LONGEST_FOREIGN = re.compile(r"[^\w\s./#-]"), 40


def foreign(text: str) -> str:
    """What a stranger may have written, cut down until it can neither address nor call anybody: letters, digits and
    `-_./#`, not long, and no card number."""
    plain = " ".join(_ODD.sub("", mask(text)).split())
    return plain if len(plain) <= LONGEST_FOREIGN else plain[: LONGEST_FOREIGN - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """With every sign visible that a page would hide, or that turns the direction of the text."""
    return _HIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
