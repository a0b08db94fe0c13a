"""Callbacks received while a worker processes them and fifty dashboards are open, beside none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from .beside import site
from .load import handed_in, load, most, need_wrk
from .people import hired, logged_in
from .place import place
from .table import Line, Row, in_turns
from .web import running

DASHBOARDS, LOOK_MS, LONGEST_S = 50, 5_000, 600
SCRIPT = Path(__file__).parent / "dashboards.lua"


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        hired(account.shop)
        path = urlsplit(account.callback_url).path
        with site(environ) as web:

            def received() -> float:
                return load(web, path, prefix=handed_in(account, most())).rate

            def watched() -> float:
                with dashboards(web.url):
                    return received()

            rates = in_turns(watched, received)
        yield Line(f"received beside {DASHBOARDS} dashboards", "beside none", "/s", *rates, 0.95)


@contextmanager
def dashboards(url: str) -> Iterator[None]:
    """So many that each ask every five seconds what is new, spread over the time, on connections of their own, by one
    log-in: by wrk too, for what browsers do is done on other machines.
    """
    need_wrk()
    cookie = "; ".join(f"{one.name}={one.value}" for one in logged_in(url).cookies)
    command = ["wrk", f"-t{DASHBOARDS}", f"-c{DASHBOARDS}", f"-d{LONGEST_S}s", "-s", str(SCRIPT), url, "--"]
    arguments = [cookie, str(LOOK_MS), str(DASHBOARDS)]
    with running([*command, *arguments], dict(os.environ), stdout=subprocess.PIPE) as wrk:
        try:
            yield
        finally:
            wrk.send_signal(signal.SIGINT)
        told, _ = wrk.communicate()
    found = json.loads(told.split("JSON ", 1)[1])
    assert found["looked"], told
    assert not found["failed"], told
