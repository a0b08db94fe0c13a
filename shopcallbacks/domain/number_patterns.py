"""How order numbers come back from a gateway: a small pattern that takes the shop's own number out of what it sends.

`ORD-{number}` takes off what a plug-in puts before it, `{number}[_{digits}]` a counter of tries where there is one.
Signs stand for themselves, `{digits}` for some digits, `[...]` at the very start or end for what may be missing.
No pattern of it can take long, whatever text it is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from .numbers import number_key

NUMBER, DIGITS = "{number}", "{digits}"
LONGEST = 60  # of a pattern
LONGEST_TEXT = 255  # of what a gateway sends; no order number is longer
_TOKEN = re.compile(r"\{[^{}]*\}|[^{}]")


class BadPattern(ValueError):
    """A pattern that can't be: a sentence saying why."""


@dataclass(frozen=True)
class NumberPattern:
    """`written`: as it was entered; `expression` never backtracks but by the length of the number."""

    written: str
    expression: re.Pattern[str]

    @classmethod
    def parse(cls, written: str) -> NumberPattern:
        """`BadPattern` where it is none."""
        written = number_key(written)
        if len(written) > LONGEST or not written.isprintable():
            raise BadPattern(f"A pattern is printable text of at most {LONGEST} characters.")
        if written.count(NUMBER) != 1:
            raise BadPattern(f"A pattern has {NUMBER} in it, once: it stands for the shop's own number.")
        before, _, behind = written.partition(NUMBER)
        may_be_before, must_be_before = _optional_start(before)
        must_be_behind, may_be_behind = _optional_end(behind)
        # With {digits} beside it nobody knows where the number begins.
        if (may_be_before + must_be_before).endswith(DIGITS) or (must_be_behind + may_be_behind).startswith(DIGITS):
            raise BadPattern(f"Between {NUMBER} and {DIGITS} there must be a sign, as in {{number}}_{{digits}}.")
        parts = [_expression(part) for part in (may_be_before, must_be_before, must_be_behind, may_be_behind)]
        return cls(written, re.compile("(?:{})?{}(.+?){}(?:{})?".format(*parts), re.DOTALL))

    def take(self, text: str) -> str | None:
        """The shop's own number in the text; None where the text is not of this pattern."""
        text = number_key(text)
        found = self.expression.fullmatch(text) if len(text) <= LONGEST_TEXT else None
        return (number_key(found[1]) or None) if found else None


def _optional_start(part: str) -> tuple[str, str]:
    """What stands in brackets at the start, and the rest."""
    inside, closing, rest = part[1:].partition("]") if part.startswith("[") else ("", "", part)
    if part.startswith("[") and not closing:
        raise BadPattern("A [ has no ].")
    return inside, rest


def _optional_end(part: str) -> tuple[str, str]:
    """What comes before brackets at the end, and what stands in them."""
    if not part.endswith("]"):
        return part, ""
    rest, opening, inside = part[:-1].rpartition("[")
    if not opening:
        raise BadPattern("A ] has no [.")
    return rest, inside


def _expression(part: str) -> str:
    if "[" in part or "]" in part:
        raise BadPattern("Brackets stand at the very start or the very end, and not in each other.")
    tokens = _TOKEN.findall(part)
    if "".join(tokens) != part:
        raise BadPattern(f"{{ and }} stand only in {NUMBER} and {DIGITS}.")
    if unknown := next((token for token in tokens if len(token) > 1 and token != DIGITS), None):
        raise BadPattern(f"{unknown} is nothing that a pattern knows; {NUMBER} and {DIGITS} are.")
    if any(token == DIGITS and (then == DIGITS or then.isdigit()) for token, then in pairwise(tokens)):
        raise BadPattern(f"Behind {DIGITS} no digit can stand: they would be one.")
    return "".join("[0-9]++" if token == DIGITS else re.escape(token) for token in tokens)
