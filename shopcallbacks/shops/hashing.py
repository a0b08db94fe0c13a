"""Hashing of passwords: made to cost a core and 64 MiB for a moment, so one at a time in a process."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import ParamSpec, TypeVar

from ..domain.errors import Busy
from ..threads import aside

P = ParamSpec("P")
R = TypeVar("R")

WAIT_S = 1.0
_turn = Lock()


def in_turn(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Does it, beside whatever else the process does; `Busy` where the turn does not come within a second."""
    if not _turn.acquire(timeout=WAIT_S):
        raise Busy
    try:
        return aside(work, *args, **kwargs)
    finally:
        _turn.release()
