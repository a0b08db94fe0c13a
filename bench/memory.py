"""What a web process and a worker's child hold, at the start and after much work."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from .load import load
from .place import place
from .table import Bound, Line, Row
from .web import memory, serving, working

ROUNDS, SECONDS = 6, 5


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        path = urlsplit(account.callback_url).path
        with serving("app:app", environ) as web, working(environ) as worker:
            load(web, path, seconds=2)
            web_before, worker_before = max(memory(web.process)), max(memory(worker))
            for _ in range(ROUNDS):
                load(web, path, SECONDS)
            web_after, worker_after = max(memory(web.process)), max(memory(worker))
        least = "at start"
        yield Line("a web process after the load", least, "MiB", [web_after], [web_before], 1.2, less_is_better=True)
        yield Line("a worker after it", least, "MiB", [worker_after], [worker_before], 1.2, less_is_better=True)
        yield Bound("a web process", "MiB", [web_after], 130)
        yield Bound("a worker's child", "MiB", [worker_after], 120)
