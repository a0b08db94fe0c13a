"""Many questions at once in threads, each taken as its answer comes, with leases that live while we do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ..extensions import db

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE, LEASE_S = 32, 20.0


def at_once(
    things: list[T], ask: Callable[[T], R], take: Callable[[T, R], None], keep: Callable[[Iterable[T]], None]
) -> None:
    """Asks for all of them at once in threads; takes each as its answer comes, and keeps the lease of the rest."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked: dict[Future[R], T] = {pool.submit(ask, thing): thing for thing in things}
        kept_at = time.monotonic()
        while asked:
            done, _ = wait(asked, timeout=LEASE_S / 4, return_when=FIRST_COMPLETED)
            for one in done:
                take(asked.pop(one), one.result())
            if time.monotonic() - kept_at >= LEASE_S / 4:
                keep(asked.values())
                kept_at = time.monotonic()
            db.session.commit()
