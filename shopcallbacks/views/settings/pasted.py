"""A request as somebody pastes it: raw HTTP, what `curl -v` shows, or headers and a body."""

from __future__ import annotations

import re
from datetime import datetime

from ...domain.values import Request

REQUEST_LINE = re.compile(r"([A-Z]{3,8}) (\S+)(?: HTTP/[\d.]+)?")
HEADER_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


class NotPasted(ValueError):
    """What was pasted is no request; says why in a sentence."""


def read(text: str, path: str, at: datetime) -> list[Request]:
    """The requests it may have been, the likeliest first: a form keeps no line ends, so the body's are guessed.

    `path` where no request line says another. `NotPasted` where it is none.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    method, target, query = "POST", "", ""
    headers: list[tuple[str, str]] = []
    while lines:
        line = _sent(lines.pop(0))
        if line is None or (not line and not headers and not target):  # what curl says of itself, or blank lines on top
            continue
        if not line:
            break
        start = REQUEST_LINE.fullmatch(line)
        header = HEADER_LINE.fullmatch(line)
        if start and not headers:
            method, address = start.groups()
            target, _, query = re.sub(r"^https?://[^/]*", "", address).partition("?")
        elif header:
            headers.append((header[1], header[2]))
        else:
            raise NotPasted(f"This is no header: {line[:60]!r}. Paste the headers, an empty line, then the body.")
    if not headers:
        raise NotPasted("There is no header in it. Paste the headers, an empty line, then the body.")
    body = "\n".join(lines)
    made = [
        Request(method, target or path, query.encode(), tuple(headers), one.encode(), "", at) for one in _bodies(body)
    ]
    said = next((value for name, value in headers if name.lower() == "content-length"), "")
    return sorted(made, key=lambda request: said != str(len(request.body)))  # stable: else as guessed


def _sent(line: str) -> str | None:
    """The line without the mark `curl -v` puts before what it sends; None for what is no header."""
    if line.startswith("> ") or line == ">":
        return line[2:]
    return None if line.startswith(("* ", "< ", "} [", "{ [", ":")) else line


def _bodies(text: str) -> list[str]:
    """Without the line end that pasting adds, as it is, and with line ends of two bytes; each once."""
    bare = text.rstrip("\n")
    guesses = (bare, text, bare + "\n", bare.replace("\n", "\r\n"), bare.replace("\n", "\r\n") + "\r\n")
    return list(dict.fromkeys(guesses))
