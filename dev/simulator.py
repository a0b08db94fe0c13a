"""The gateways' own side, on loopback: answers what the app asks them about callbacks.

It knows the questions of the calls it was told of (`learn`) and gives the answers their stories want. Of anything else
the simulated PayPal says INVALID, as the real one does of what it never sent; other addresses are 404.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from shopcallbacks.domain.values import Answer

from . import SIMULATED_HOSTS
from .stories import Question

PAYPAL_IPN = "/cgi-bin/webscr"
SILENCE_S = 40.0  # longer than the app waits
REMEMBERED = 20_000

_Key = tuple[str, str, bytes]


class SimulatedGateways:
    """A server for as long as the `with` lasts. `port` 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.gateways = self
        self._scripts: OrderedDict[_Key, list[Answer | None]] = OrderedDict()
        self._lock = threading.Lock()
        self.leaving = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def hosts(self) -> dict[str, str]:
        """What the app's GATEWAY_HOSTS must be."""
        return dict.fromkeys(SIMULATED_HOSTS, self.url)

    def learn(self, questions: Iterable[Question]) -> None:
        """From now on these are answered; of the oldest it forgets."""
        with self._lock:
            for ask, answers in questions:
                parts = urlsplit(ask.url)
                target = f"{parts.path}?{parts.query}" if parts.query else parts.path
                self._scripts[ask.method, target, ask.body] = list(answers)
            while len(self._scripts) > REMEMBERED:
                self._scripts.popitem(last=False)

    def answer(self, method: str, target: str, body: bytes) -> Answer | None:
        """The next answer to that question; None is silence."""
        with self._lock:
            script = self._scripts.get((method, target, body))
            if script:
                return script.pop(0) if len(script) > 1 else script[0]
        return Answer(200, b"INVALID") if target == PAYPAL_IPN else Answer(404, b"")

    def __enter__(self) -> SimulatedGateways:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    gateways: SimulatedGateways
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone away meanwhile."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        gateways = self.server.gateways
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = gateways.answer(self.command, self.path, body)
        if answer is None:
            gateways.leaving.wait(SILENCE_S)
            return
        self.send_response(answer.status)
        for name, value in answer.headers or (("Content-Type", "text/html; charset=UTF-8"),):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the app says what came of it."""
