"""The asked gateway and the shop's endpoint, on loopback: each answers badly on purpose, and notes what it heard."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

SILENCE_S = 40.0  # longer than the app waits


class Loopback:
    """A server for as long as the `with` lasts. `trouble`: how many of a hundred questions are answered badly."""

    def __init__(self, trouble: int, rng: Random) -> None:
        self.trouble, self.rng = trouble, rng
        self.leaving = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                loopback.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: what counts is what the app makes of it."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        raise NotImplementedError

    def bad(self, to: BaseHTTPRequestHandler) -> bool:
        """Answers badly where it is time to; whether it did."""
        if self.rng.random() * 100 >= self.trouble:
            return False
        how = self.rng.choice(("hangs", "garbage", "resets", "busy"))
        if how == "hangs":
            self.leaving.wait(SILENCE_S)
        elif how == "resets":
            to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            to.connection.close()
        else:
            say(to, 503 if how == "busy" else 502, b"\x00\xff<html>what?")
        return True

    def __enter__(self) -> Any:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._server.server_close()


class PayPal(Loopback):
    """Knows every callback of these stories as its own."""

    def answer(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        if not self.bad(to):
            say(to, 200, b"VERIFIED")


class Endpoint(Loopback):
    """The shop's: keeps the places of each order's events as they first came."""

    def __init__(self, trouble: int, rng: Random) -> None:
        super().__init__(trouble, rng)
        self.places: dict[str, list[int]] = defaultdict(list)
        self.heard = 0
        self._lock = threading.Lock()

    def answer(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        if self.bad(to):
            return
        event = json.loads(body)
        with self._lock:
            self.heard += 1
            places = self.places[event["order"]]
            if int(event["position"]) not in places:
                places.append(int(event["position"]))
        say(to, 204, b"")


def say(to: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    with contextlib.suppress(OSError):
        to.send_response(status)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone away meanwhile."""
