"""A request's body made readable: whatever the bytes, it never raises and never shows more than `SHOWN` of them.

Nothing is parsed that could be made to grow: JSON and XML are only set anew, token by token. Card numbers are masked.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..gateways.kit.charsets import codec, named_by_form
from ..gateways.kit.forms import split_form
from ..gateways.kit.signatures import read_base64
from ..words.masking import clean, mask, mask_bytes

SHOWN = 64 * 1024
SET_ANEW = 4 * SHOWN
DEEPEST = 20
FIELDS = 500


@dataclass(frozen=True)
class Field:
    """A field of a form. `inside`: what its base64 holds, where that is JSON."""

    name: str
    value: str
    inside: str | None = None


@dataclass(frozen=True)
class Pane:
    """`kind`: empty, json, form, xml, text or bytes. `raw`: the text as it came; `pretty`: the same set for reading."""

    kind: str
    total: int
    charset: str = "UTF-8"
    raw: str = ""
    pretty: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def cut(self) -> bool:
        return self.total > SHOWN


def read(data: bytes, named: str | None = None) -> Pane:
    """What the bytes are, told by themselves: what a sender says of them is often wrong.

    `named`: the character set that somebody gave them. A form's own word of it counts first.
    """
    shown = data[:SHOWN]
    if not data:
        return Pane("empty", 0)
    charset, text = _decode(shown, named)
    if text is None:
        return Pane("bytes", len(data), pretty=hex_dump(shown))
    raw = clean(mask(text))
    body = text.lstrip("\ufeff \t\r\n")
    if body[:1] in ("{", "[") and (len(data) > SHOWN or _is_json(body)):
        return Pane("json", len(data), charset, raw, _anew(_set_json(body)))
    if body[:1] == "<":
        return Pane("xml", len(data), charset, raw, _anew(_set_xml(body)))
    if re.match(r"[^\s=&<>\"{}]+=[^\s]*\s*$", body):
        label, found = _fields(shown.strip(), named)
        return Pane("form", len(data), label, raw, fields=found)
    return Pane("text", len(data), charset, raw)


def fields(form: bytes, named: str | None = None) -> tuple[Field, ...]:
    """The form's fields, decoded; those that hold JSON in base64 are opened."""
    return _fields(form, named)[1]


def _fields(form: bytes, named: str | None) -> tuple[str, tuple[Field, ...]]:
    """The character set that most of the letters beyond ASCII are in, and the fields."""
    pairs = split_form(form)[:FIELDS]
    named = named_by_form(pairs) or named
    found, charsets = [], Counter({"UTF-8": 0})
    for name, value in pairs:
        charset, text = _decode(value, named)
        _, label = _decode(name, named)
        charsets[charset] += text is not None and not text.isascii()
        shown = hex_dump(value) if text is None else clean(mask(text))
        found.append(Field(label or name.hex(" "), shown, _opened(value)))
    return charsets.most_common(1)[0][0], tuple(found)


def hex_dump(data: bytes) -> str:
    """Offset, sixteen bytes, and what of them is printable."""
    masked = mask_bytes(data)
    lines = []
    for place in range(0, len(masked), 16):
        piece = masked[place : place + 16]
        signs = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        lines.append(f"{place:08x}  {piece[:8].hex(' '):<23}  {piece[8:].hex(' '):<23}  {signs}")
    return "\n".join(lines)


def _anew(text: str) -> str:
    return clean(mask(text[:SET_ANEW]))


def _decode(data: bytes, named: str | None = None) -> tuple[str, str | None]:
    """The character set and the text; no text where the bytes are none."""
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", data):
        return "", None
    for charset in _charsets(named):
        try:
            return charset, data.decode(codec(charset) or charset)
        except UnicodeDecodeError as error:
            if len(data) == SHOWN and error.end == len(data) and error.start:  # cut in the middle of a letter
                return charset, data[: error.start].decode(codec(charset) or charset, "replace")
    return "", None


# A letter is several bytes in these, and some of them could by chance be UTF-8 too.
_OF_SEVERAL_BYTES = ("cp932", "gb18030", "big5", "big5hkscs", "euc-jp", "euc-kr", "cp949", "iso-2022-jp")


def _charsets(named: str | None) -> tuple[str, ...]:
    """Which to try. UTF-8 goes before a set of single bytes, whatever is named: no word looks like it by chance."""
    if named is None or codec(named) is None:
        return "UTF-8", "Windows-1252"
    first = (named, "UTF-8") if codec(named) in _OF_SEVERAL_BYTES else ("UTF-8", named)
    return *first, "Windows-1252"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{]\s*[\]}]|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def _set_json(text: str) -> str:
    """One value a line, set in by depth. Numbers, doubled names and the order stay as they came."""
    pieces: list[str] = []
    depth = 0

    def line() -> str:
        return "\n" + "  " * min(depth, DEEPEST)

    for token in _JSON_TOKEN.findall(text):
        if token in ("{", "["):
            depth += 1
            pieces += token, line()
        elif token in ("}", "]"):
            depth = max(depth - 1, 0)
            pieces += line(), token
        elif token == ",":
            pieces += token, line()
        else:
            pieces.append(": " if token == ":" else _plain(token))
    return "".join(pieces)


def _plain(token: str) -> str:
    """A text with its escaped letters as letters."""
    if "\\u" not in token:
        return token
    try:
        return json.dumps(json.loads(token), ensure_ascii=False)
    except ValueError:
        return token


def _set_xml(text: str) -> str:
    """One element a line, set in by depth. Only set anew: no entity is looked at."""
    depth = 0
    lines: list[str] = []
    for piece in _xml_pieces(text):
        if piece.startswith("</"):
            depth = max(depth - 1, 0)
        lines.append("  " * min(depth, DEEPEST) + piece)
        opens = piece.startswith("<") and piece[1:2] not in ("/", "?", "!") and not piece.endswith("/>")
        if opens and "</" not in piece:
            depth += 1
    return "\n".join(lines)


_XML_PIECE = re.compile(
    r"<(\w[^<>\s]*)(?:\s[^<>]*)?>[^<>]*</\1>|<!\[CDATA\[.*?(?:\]\]>|\Z)|<[^<>]*>|[^<>]+|[<>]", re.DOTALL
)


def _xml_pieces(text: str) -> Iterator[str]:
    for found in _XML_PIECE.finditer(text):
        piece = found[0].strip()
        if piece:
            yield piece


def _opened(value: bytes) -> str | None:
    """What base64 holds, where that is a JSON object."""
    if len(value) < 8 or not re.match(rb"(?:ey|W[wy]|Cg|IH)", value):
        return None
    inside = read_base64(value, urlsafe=b"-" in value or b"_" in value)
    if inside is None:
        return None
    _, text = _decode(inside)
    body = (text or "").strip()
    return _anew(_set_json(body)) if body[:1] in ("{", "[") and _is_json(body) else None
