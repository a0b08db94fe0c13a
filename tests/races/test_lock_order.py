"""One lock order (orders/books.py): whoever is stopped while it holds a lock, nobody waits in a ring.

Each writer is stopped behind each statement that locks something. While it stands there all others begin, one after the
other, and end or wait for a lock; then it goes on, and all must come to their end.
"""

from __future__ import annotations

import pytest
from flask import Flask

from shopcallbacks.domain.errors import Refused
from shopcallbacks.extensions import db

from . import scene
from .stepping import LONG_S, Writer, finish_or_wait

# Those that are stopped: rulings differ in what they say and not in what they lock, and so do the moves of one order.
FIRST = (
    "plain batch,asked settle,hand in,import,cancel the mismatch,accept,remove,reopen the half,bulk step,settle,tick,"
    "wake,crashed again,spread,endpoint off,search index,account off and on,lease kept"
).split(",")


@pytest.mark.parametrize("name", FIRST)
def test_no_writer_meets_another_in_a_ring(app: Flask, refused: list[str], name: str) -> None:
    stops = 0
    while True:
        stops += 1
        at = scene.made()
        works = scene.writers(at)
        first = Writer(app, name, works[name], stop_after=stops)
        first.start()
        assert first.stopped.wait(LONG_S)
        stopped = first.is_alive() and first.locking >= stops
        others = [Writer(app, other, work) for other, work in works.items()]
        if stopped:
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as look:
                for other in others:
                    finish_or_wait(other, look)
        first.go_on.set()
        for writer in [first, *others] if stopped else [first]:
            writer.join(LONG_S)
            assert not writer.is_alive(), writer.name
            assert writer.error is None or isinstance(writer.error, Refused), (writer.name, writer.error)
        assert refused == []
        scene.drained()
        scene.sound(at.shop_id)
        if not stopped:
            return
