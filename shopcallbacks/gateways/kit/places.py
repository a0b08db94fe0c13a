"""Where in a request a value stands, and what a signature covers, as an account's settings say it."""

from __future__ import annotations

import re
from collections.abc import Iterable

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a field-name of RFC 9110


def place_problem(place: str) -> str | None:
    """Why the text is no JSON pointer (RFC 6901), `header:Name` or `literal:EUR`; None where it is one."""
    kind, colon, rest = place.partition(":")
    if colon and kind == "literal":
        return None if rest else "must say what it always is, as literal:EUR"
    if colon and kind == "header":
        return None if HEADER.fullmatch(rest) else "must name a header, as header:X-Event-Id"
    if not place.startswith("/"):
        return "must begin with /, header: or literal:, as /data/order_id"
    return "has a ~ that is neither ~0 (for ~) nor ~1 (for /)" if re.search(r"~(?![01])", place) else None


def pieces(pattern: str, names: Iterable[str]) -> list[str]:
    """The pattern cut at its braces: text, name, text, ..., text. Of `names` one that ends in a colon takes a name."""
    known = "|".join(re.escape(name) + ("[^}]+" if name.endswith(":") else "") for name in names)
    return re.split(rf"\{{({known})\}}", pattern)


def pattern_problem(pattern: str, names: Iterable[str]) -> str | None:
    """Why a pattern can't be filled in: it names what there is not."""
    unknown = [name for text in pieces(pattern, names)[::2] for name in re.findall(r"\{([A-Za-z][^{}\s]*)\}", text)]
    if not unknown:
        return None
    there_is = ", ".join(f"{{{name}Name}}" if name.endswith(":") else f"{{{name}}}" for name in names)
    return f"names {{{unknown[0]}}}, which there is not; there is {there_is}"
