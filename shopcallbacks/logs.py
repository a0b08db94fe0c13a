"""What stands in a log: one line a record, no sign that a terminal obeys, no card number, nothing of a row.

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
    return clean(_BREAKS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", mask(text)))


def told(error: BaseException) -> Iterator[str]:
    """The traceback, line by line, with what led to it before it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from told(before)
        yield "Which led to:\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{named(error) if _of_the_database(error) else f'{named(error)}: {on_one_line(str(error))}'}\n"


def named(error: BaseException) -> str:
    """ "DiskFull 53100": the class of the error, the database's own where it is one of its, and its SQLSTATE."""
    error = getattr(error, "orig", None) or error
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def _of_the_database(error: BaseException) -> bool:
    return isinstance(error, SQLAlchemyError) or hasattr(error, "sqlstate")
