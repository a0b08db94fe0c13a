"""Terms: what a text can be found by. Texts are cut into them to be searched, and so is what is looked for.

A term is a word with all that hangs together with it by single signs (`pi_3abc`, `251123-26`, `buyer@shop.example`),
and again from each word in it on (`shop.example`): whatever is typed is the beginning of a term.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

from ...words.masking import mask
from ..body import Pane
from ..hiding import Hider

LONGEST, MOST = 64, 2_000  # of a term, of the terms of one callback

_CHUNK = re.compile(r"[^\W_]+(?:[-_.@+][^\W_]+)*")
_WORD = re.compile(r"[^\W_]+")
_ESCAPED = re.compile(r'\\["\\/bfnrt]')


def words_of(q: str) -> list[str]:
    """What is looked for, word by word, as it was typed; card numbers starred."""
    return _CHUNK.findall(mask(q))


def sought(q: str) -> list[str]:
    """The beginnings of terms that must all be there; none where it is signs alone."""
    return list(dict.fromkeys(chunk[:LONGEST] for chunk in _CHUNK.findall(_folded(mask(q)))))


def terms(texts: Iterable[str]) -> list[str]:
    """The terms of the texts, sorted. No card number is among them."""
    found: set[str] = set()
    for chunk in dict.fromkeys(_CHUNK.findall(_folded(mask("\n".join(texts))))):  # no term goes beyond a line
        found.update(chunk[word.start() :][:LONGEST] for word in _WORD.finditer(chunk))
        if len(found) >= MOST:
            break
    return sorted(found)[:MOST]


def texts_of(query: bytes, body: bytes, hide: Hider) -> list[str]:
    """What a request says, decoded as its callback's page shows it, and without what that hides."""
    pane = hide.pane(body)
    in_fields = (*pane.fields, *hide.fields(query))
    found = [text for field in in_fields for text in (field.name, field.value, field.inside or "")]
    return [*found, "" if pane.fields else _plain(pane)]


def _plain(pane: Pane) -> str:
    if pane.kind == "json":
        return _ESCAPED.sub(" ", pane.pretty)
    return html.unescape(pane.raw or pane.pretty) if pane.kind == "xml" else pane.raw or pane.pretty


def _folded(text: str) -> str:
    """The same for what only looks different: capitals, wide letters, letters put together from two."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
