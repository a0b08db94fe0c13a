"""Two shops on one gateway account: which callbacks are this shop's, told by a field that has this value in them.

A place is written as in the accounts whose fields are set by hand: a JSON pointer into the body (`/data/metadata/shop`;
of a form `/custom`), or `query:shop` for the address.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.values import Request
from .charsets import codec, named_by_form
from .fields import pointed
from .reading import read_form, read_json, split_form, text

QUERY = "query:"
LONGEST = 200  # of a place and of a value


@dataclass(frozen=True)
class OwnField:
    """Only where the field at `place` has this `value` a callback is ours."""

    place: str
    value: str

    @classmethod
    def of(cls, place: str, value: str) -> OwnField:
        """`ValueError` with a sentence where it can't be."""
        place, value = place.strip(), value.strip()
        if not (place.startswith(QUERY) and place != QUERY) and not (place.startswith("/") and place != "/"):
            raise ValueError("The field is a JSON pointer (/data/shop; for a form /name), or query: and a name.")
        if not value:
            raise ValueError("Which value says that a callback is this shop's?")
        if max(len(place), len(value)) > LONGEST:
            raise ValueError(f"A field and its value have at most {LONGEST} characters each.")
        return cls(place, value)

    def not_ours(self, request: Request) -> str | None:
        """Why it is not this shop's, as a sentence; None where it is. `ReadError` where the request can't be read:
        then nobody knows, and the gateway's own reading says what is wrong.
        """
        found = self._found(request)
        if found == self.value:
            return None
        there = "is missing" if found is None else f"is “{found[:LONGEST]}”"
        return f"Not this shop's: {self.place} {there}, not “{self.value}”."

    def _found(self, request: Request) -> str | None:
        """What stands there, as text."""
        if self.place.startswith(QUERY):
            return _form(request.query).get(self.place.removeprefix(QUERY)) if request.query else None
        start = request.body.lstrip()[:1]
        found = pointed(read_json(request.body) if start in (b"{", b"[") else _form(request.body), self.place)
        return str(found).lower() if isinstance(found, bool) else text(found)


def _form(data: bytes) -> dict[str, str]:
    return read_form(data, codec(named_by_form(split_form(data))) or "utf-8")
