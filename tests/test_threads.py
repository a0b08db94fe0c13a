"""Errands: each that was asked for is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from shopcallbacks.threads import Errand

from .processes import until


def test_what_is_asked_for_while_it_ends_is_done_before_it_has() -> None:
    busy, go_on, done = Event(), Event(), list[str]()

    def do(what: str) -> None:
        busy.set()
        assert go_on.wait(60)
        done.append(what)

    errand = Errand("test", do, 0)
    errand.ask("first")
    assert busy.wait(60)
    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(errand.close)
        until(lambda: errand._queue.qsize() == 1)
        errand.ask("behind the end")
        go_on.set()
        closed.result(60)
    assert done == ["first", "behind the end"]
