"""Callbacks received while a worker processes them and fifty dashboards are open, beside none."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests

from .beside import site
from .load import handed_in, load, most
from .people import hired, logged_in
from .place import place
from .table import Line, Row, in_turns

DASHBOARDS, LOOK_S = 50, 5.0
AGAIN = re.compile(r'hx-get="(/queue\?seen=[^"]+)"')


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
    log-in.
    """
    cookies, closed = logged_in(url).cookies, threading.Event()

    def follow(due: float) -> None:
        session, look = requests.Session(), "/queue"
        session.cookies.update(cookies)
        while not closed.wait(due - time.monotonic()):
            answer = session.get(url + look, headers={"HX-Request": "true"}, timeout=30)
            assert answer.status_code == 200, answer.status_code
            assert answer.url == url + look, answer.url  # not the log-in
            if again := AGAIN.search(answer.text):
                look = again[1].replace("&amp;", "&")
            due += LOOK_S

    with ThreadPoolExecutor(DASHBOARDS) as threads:
        begun = time.monotonic()
        followed = [threads.submit(follow, begun + LOOK_S * n / DASHBOARDS) for n in range(DASHBOARDS)]
        try:
            yield
        finally:
            closed.set()
    for one in followed:
        one.result()
