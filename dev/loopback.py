"""A server on loopback that stands for somebody else's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

SILENCE_S = 40.0  # longer than the app waits


class Loopback:
    """It runs for as long as the `with` lasts. `port` 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        self._leaving = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                loopback.hear(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the app says what came of it."""

        self._server = _Server(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def hear(self, asked: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answers, by `say` or in another way."""
        raise NotImplementedError

    def be_silent(self) -> None:
        self._leaving.wait(SILENCE_S)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._leaving.set()
        self._server.shutdown()
        self._server.server_close()


def say(to: BaseHTTPRequestHandler, status: int, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> None:
    """To whoever asked, who may have gone away meanwhile."""
    with contextlib.suppress(OSError):
        to.send_response(status)
        for name, value in headers:
            to.send_header(name, value)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone away meanwhile."""
