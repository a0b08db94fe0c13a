"""What stands in a log: one line a record, no sign that a terminal obeys, no card number, nothing of a row, and no
token of a callback's address.

A database's error quotes the row it was about, so it is named by its class and SQLSTATE only.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any

from flask.logging import default_handler
from sqlalchemy.exc import SQLAlchemyError

from .words.masking import clean, mask

LINE = "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"
# A callback's address, up to its token. The web server quotes what it was asked for.
_TOKEN = re.compile(r"(/callbacks/[^/\s]+/[^/\s]+/)[^/\s?]+")
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")


class Formatter(logging.Formatter):
    """Whatever a stranger wrote into a path or a field makes no line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return on_one_line(super().formatMessage(record))

    def formatException(self, exc_info: Any) -> str:
        return "".join(told(exc_info[1])).rstrip("\n") if exc_info[1] else ""


def init_app() -> None:
    default_handler.setFormatter(Formatter(LINE))


def on_one_line(text: str) -> str:
    return clean(_BREAKS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", mask(_TOKEN.sub(r"\1****", text))))


def told(error: BaseException, *, in_words: bool = True) -> Iterator[str]:
    """The traceback, line by line, with what led to it before it. `in_words`: and what the errors say."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from told(before, in_words=in_words)
        yield "Which led to:\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    says = in_words and not _of_the_database(error)
    yield f"{named(error)}: {on_one_line(str(error))}\n" if says else f"{named(error)}\n"


def named(error: BaseException) -> str:
    """ "DiskFull 53100": the class of the error, the database's own where it is one of its, and its SQLSTATE."""
    error = getattr(error, "orig", None) or error
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def _of_the_database(error: BaseException) -> bool:
    return isinstance(error, SQLAlchemyError) or hasattr(error, "sqlstate")
