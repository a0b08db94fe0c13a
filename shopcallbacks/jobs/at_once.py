"""Many questions at once in threads, each taken as its answer comes, with leases that live while we do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from ..extensions import db
from .transactions import told

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE, LEASE_S = 32, 20.0


log = logging.getLogger(__name__)


def _take(take: Callable[[R], None], answered: Future[R]) -> None:
    try:
        take(answered.result())
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        log.error("What was answered could not be taken: %s", told(error))


def at_once(
    things: list[T], ask: Callable[[T], R], take: Callable[[T, R], None], keep: Callable[[Iterable[T]], None]
) -> None:
    """Asks for all of them at once in threads. Takes each as its answer comes, in a transaction of its own, so that one
    which can't be taken costs no other; keeps the lease of the rest.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked: dict[Future[R], T] = {pool.submit(ask, thing): thing for thing in things}
        kept_at = time.monotonic()
        while asked:
            done, _ = wait(asked, timeout=LEASE_S / 4, return_when=FIRST_COMPLETED)
            for one in done:
                _take(partial(take, asked.pop(one)), one)
            if time.monotonic() - kept_at >= LEASE_S / 4:
                keep(asked.values())
                kept_at = time.monotonic()
            db.session.commit()
