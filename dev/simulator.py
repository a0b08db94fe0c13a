"""The gateways' own side, on loopback: answers what the app asks them about callbacks.

It knows the questions of the calls it was told of (`learn`) and gives the answers their stories want. Of anything else
the simulated PayPal says INVALID, as the real one does of what it never sent; other addresses are 404.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from shopcallbacks.domain.values import Answer

from . import SIMULATED_HOSTS
from .loopback import Loopback, say
from .stories import Question

PAYPAL_IPN = "/cgi-bin/webscr"
HTML = (("Content-Type", "text/html; charset=UTF-8"),)
REMEMBERED = 20_000

_Key = tuple[str, str, bytes]


class SimulatedGateways(Loopback):
    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self._scripts: OrderedDict[_Key, list[Answer | None]] = OrderedDict()
        self._lock = threading.Lock()

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

    def hear(self, asked: BaseHTTPRequestHandler, body: bytes) -> None:
        answer = self.answer(asked.command, asked.path, body)
        if answer is None:
            self.be_silent()
        else:
            say(asked, answer.status, answer.body, answer.headers or HTML)
