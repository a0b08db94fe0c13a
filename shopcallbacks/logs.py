"""What stands in a log: one line a record, no sign that a terminal obeys, no card number, nothing of a row, and no
token of an address.

A database's error quotes the row it was about, so it is named by its class and SQLSTATE only.
With LOG_FORMAT=json a line is an object, and the steps of each callback's way are told too, by ids alone.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flask.logging import default_handler
from sqlalchemy.exc import SQLAlchemyError

from .words.masking import clean, mask

LINE = "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"
# The address of a callback or of a link, up to its token. The web server quotes what it was asked for.
_TOKEN = re.compile(r"(/(?:callbacks/[^/\s]+|invitations|passwords)/[^/\s]+/)[^/\s?]+")
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")


class Formatter(logging.Formatter):
    """Whatever a stranger wrote into a path or a field makes no line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return on_one_line(super().formatMessage(record))

    def formatException(self, exc_info: Any) -> str:
        return "".join(told(exc_info[1])).rstrip("\n") if exc_info[1] else ""


class JsonFormatter(Formatter):
    """An object of `at`, `level`, `logger`, `message`, the ids of a step, and the traceback as `error`."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": on_one_line(record.getMessage()),
            **getattr(record, "ids", {}),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


_steps = logging.getLogger("shopcallbacks.steps")


def init_app(log_format: str) -> None:
    default_handler.setFormatter(formatter(log_format, LINE))
    _steps.setLevel(logging.INFO if log_format == "json" else logging.WARNING)


def formatter(log_format: str, line: str) -> logging.Formatter:
    """`line`: how one looks where it is text."""
    return JsonFormatter() if log_format == "json" else Formatter(line)


def step(what: str, **ids: int | StrEnum | None) -> None:
    """One step of a callback's way, from arrival to order. Ids and words of our closed sets only, so nothing leaks."""
    if _steps.isEnabledFor(logging.INFO):
        _steps.info(what, extra={"ids": {name: id_ for name, id_ in ids.items() if id_ is not None}})


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
