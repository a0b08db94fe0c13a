"""The asked gateway and the shop's endpoint, on loopback: each answers badly on purpose, and notes what it heard."""

from __future__ import annotations

import json
import socket
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler
from random import Random

from ..loopback import Loopback, say


class Troubled(Loopback):
    """`trouble`: how many of a hundred questions are answered badly."""

    def __init__(self, trouble: int, rng: Random) -> None:
        super().__init__()
        self.trouble, self.rng = trouble, rng

    def bad(self, to: BaseHTTPRequestHandler) -> bool:
        """Answers badly where it is time to; whether it did."""
        if self.rng.random() * 100 >= self.trouble:
            return False
        how = self.rng.choice(("hangs", "garbage", "resets", "busy"))
        if how == "hangs":
            self.be_silent()
        elif how == "resets":
            to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            to.connection.close()
        else:
            say(to, 503 if how == "busy" else 502, b"\x00\xff<html>what?")
        return True


class PayPal(Troubled):
    """Knows every callback of these stories as its own."""

    def hear(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        if not self.bad(to):
            say(to, 200, b"VERIFIED")


class Endpoint(Troubled):
    """The shop's: keeps the places of each order's events as they first came."""

    def __init__(self, trouble: int, rng: Random) -> None:
        super().__init__(trouble, rng)
        self.places: dict[str, list[int]] = defaultdict(list)
        self.heard = 0
        self._lock = threading.Lock()

    def hear(self, to: BaseHTTPRequestHandler, body: bytes) -> None:
        if self.bad(to):
            return
        event = json.loads(body)
        with self._lock:
            self.heard += 1
            places = self.places[event["order"]]
            if int(event["position"]) not in places:
                places.append(int(event["position"]))
        say(to, 204, b"")
