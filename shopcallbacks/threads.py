"""Work in threads of their own, so that it holds up nobody else in the process."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar

from gevent import get_hub
from gevent.monkey import is_module_patched

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)

log = logging.getLogger(__name__)


def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Does it; where greenlets share one thread, in a real one, for it would hold up all of them."""
    if is_module_patched("threading"):
        return get_hub().threadpool.apply(work, args, kwargs)  # type: ignore[no-any-return]
    return work(*args, **kwargs)


class Errand(Generic[K]):
    """Does something soon, in a thread of its own, for whatever was asked for, in rounds: nobody waits for it.

    What is asked for again before it was begun is done once; what is asked for from then on is done again. The thread
    begins with the first that asks, so that a process forked before has its own.
    """

    def __init__(self, name: str, do: Callable[[K], None], pause_s: float) -> None:
        self._name, self._do, self._pause_s = name, do, pause_s
        self._asked: set[K] = set()
        self._queue: queue.SimpleQueue[K | None] = queue.SimpleQueue()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, what: K) -> None:
        if what in self._asked:
            return
        self._asked.add(what)
        self._queue.put(what)
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._round():
            time.sleep(self._pause_s)

    def _round(self) -> bool:
        """Whether there is to be another."""
        asked = self._all_asked()
        for what in asked:
            if what is None:
                continue
            self._asked.discard(what)  # before it is done: who asks meanwhile asks for one more
            try:
                self._do(what)
            except Exception:
                log.exception("%s: %s failed", self._name, what)
        return None not in asked

    def _all_asked(self) -> list[K | None]:
        """What was asked for so far, at least one."""
        found = [self._queue.get()]
        while not self._queue.empty():
            found.append(self._queue.get())
        return found

    def close(self) -> None:
        """Ends the thread, what was asked for done."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
