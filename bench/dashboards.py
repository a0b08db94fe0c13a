"""Callbacks received while a worker processes them and fifty dashboards are open, beside none."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from .beside import site
from .load import MOST_A_SECOND, SECONDS, load
from .people import hired, logged_in
from .place import hand_in, place
from .table import Line, Row, in_turns

DASHBOARDS, LOOK_S = 50, 5.0
AGAIN = re.compile(r'hx-get="(/queue\?seen=[^"]+)"')

_prefixes = itertools.count()


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        hired(account.shop)
        path = urlsplit(account.callback_url).path
        with site(environ) as web:

            def received() -> float:
                prefix = f"{next(_prefixes)}-"
                hand_in(account, (f"{prefix}{n}" for n in range(SECONDS * MOST_A_SECOND)))
                return load(web, path, prefix=prefix).rate

            def watched() -> float:
                with dashboards(web.url):
                    return received()

            rates = in_turns(watched, received)
        yield Line(f"received beside {DASHBOARDS} dashboards", "beside none", "/s", *rates, 0.95)


@contextmanager
def dashboards(url: str) -> Iterator[None]:
    """So many that each ask every five seconds what is new, spread over the time, by one log-in."""
    session, closed = logged_in(url), threading.Event()

    def follow() -> None:
        look = "/queue"
        while not closed.wait(LOOK_S / DASHBOARDS):
            answer = session.get(url + look, headers={"HX-Request": "true"}, timeout=30)
            if again := AGAIN.search(answer.text):
                look = again[1].replace("&amp;", "&")

    watching = threading.Thread(target=follow)
    watching.start()
    try:
        yield
    finally:
        closed.set()
        watching.join()
