"""Connections that are slow or silent on purpose."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

# The kinds there are, by name: how its request begins, to the address of an account, and whether it goes on, a byte now
# and then. Who takes an answer in slowly, or not at all, asks for more than its socket holds.
KINDS = {
    "silent": ("", False),
    "headers": ("GET /login HTTP/1.1\r\nHost: x\r\nX-Slow: ", True),
    "log-in body": (
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 9000\r\n\r\nemail=",
        True,
    ),
    "callback body": ("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n", True),
    "callback body in chunks": ("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", True),
    "style sheet": ("GET /static/vendor/tabler-1.6.1.min.css HTTP/1.1\r\nHost: x\r\n\r\n" * 8, False),
}


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


@contextmanager
def crowd_of(kind: str, url: str, path: str, count: int) -> Iterator[Crowd]:
    """Of one of the kinds; `path`: of an account's address."""
    begin, drips = KINDS[kind]
    with crowd(url, begin.format(path=path), count, drips) as found:
        yield found
