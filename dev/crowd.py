"""Connections that are slow or silent on purpose."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Crowd:
    """Connections to the web server that begin a request, and then say a byte now and then, or take nothing in."""

    def __init__(self, url: str, begin: str, count: int, drips: bool) -> None:
        parts = urlsplit(url)
        self._sockets = []
        for _ in range(count):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((parts.hostname, parts.port))
            one.sendall(begin.encode())
            self._sockets.append(one)
        self._over = threading.Event()
        self._dripping = threading.Thread(target=self._drip)
        if drips:
            self._dripping.start()

    def _drip(self) -> None:
        while not self._over.wait(0.3):
            for one in self._sockets:
                with suppress(OSError):
                    one.send(b"a")

    @property
    def hung_up_on(self) -> bool:
        """Whether the server has ended all of them. What it said before is read here."""
        ready, _, _ = select.select(self._sockets, [], [], 0)
        ended = 0
        for one in ready:
            try:
                ended += one.recv(1024 * 1024) == b""
            except OSError:
                ended += 1
        return ended == len(self._sockets)

    def leave(self) -> None:
        self._over.set()
        if self._dripping.ident:
            self._dripping.join()
        for one in self._sockets:
            one.close()


@contextmanager
def crowd(url: str, begin: str, count: int, drips: bool = True) -> Iterator[Crowd]:
    found = Crowd(url, begin, count, drips)
    try:
        yield found
    finally:
        found.leave()
