"""Callbacks from a folder: a file each, with the time of the file.

A name that ends in .http holds the whole request, as *Download original* writes it; any other the body of a POST.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ..domain.values import Request
from .callbacks import Kept
from .reading import past, plain, read_all


def read_folder(folder: Path) -> list[Kept]:
    """`Unreadable`, with the file's name, unless all can be read."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return read_all(((path.name, path) for path in files), _kept)


def _kept(path: Path) -> Kept:
    at = past(datetime.fromtimestamp(path.stat().st_mtime, UTC), "its time")
    data = path.read_bytes()
    return Kept(_whole(data, at) if path.suffix == ".http" else Request("POST", "/", b"", (), data, "", at))


def _whole(data: bytes, at: datetime) -> Request:
    """The start line, the headers, an empty line, and then the body byte for byte."""
    ends = "\r\n" if b"\r\n" in data.partition(b"\n")[0] + b"\n" else "\n"
    head, found, body = data.partition(ends.encode() * 2)
    start, *lines = plain(head.decode("latin-1"), "what stands before the body").split(ends)
    words = start.split(" ")
    if not found or len(words) != 3 or not words[2].startswith("HTTP/"):
        raise ValueError("is no HTTP request: a start line, headers and an empty line are needed")
    path, _, query = words[1].partition("?")
    return Request(words[0], path, query.encode("latin-1"), tuple(map(_header, lines)), body, "", at)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"is no HTTP request: a header has no name in the line {line[:40]!r}")
    return name, value.strip()
