"""What a stranger sends is looked at here first: what no page and no database can hold is refused in one place."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, abort, request

from ..receiving import door

# Their requests are kept, or read, byte for byte: nothing is refused but an address that leads nowhere.
RAW = (door.bp.name, "api")


def init_app(app: Flask) -> None:
    app.before_request(refuse_bad_text)


def refuse_bad_text() -> None:
    """404 for an address, 400 for fields and forms that hold what is no text."""
    if is_bad(request.path):
        abort(404)
    if request.blueprint != door.bp.name and any(map(is_bad, _parts(request.args.items(multi=True)))):
        abort(400)
    if request.blueprint not in RAW and any(map(is_bad, _parts(request.form.items(multi=True)))):
        abort(400)


def is_bad(text: str) -> bool:
    """Whether it holds a sign that PostgreSQL has no place for (NUL), or half of one."""
    return "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text if not sign.isascii())


def _parts(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (part for pair in pairs for part in pair)


def own_path(address: str) -> str | None:
    """The address where it leads to a path of this site and nowhere else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    own = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if own and not parts.scheme and not parts.netloc else None


def path_here(address: str) -> str:
    """The path of a whole address of this site, with its query; "/" of any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    path = parts._replace(scheme="", netloc="", fragment="").geturl()
    return path if parts.netloc == request.host and own_path(path) else "/"
