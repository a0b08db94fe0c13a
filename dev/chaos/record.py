"""What the clients did and heard: all that the judge believes."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field

from .stories import Signed, Story

Print = bytes


def print_of(method: str, path: str, query: bytes, body: bytes) -> Print:
    """The same for the same request only, byte for byte."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), query, body))).digest()


def print_of_signed(request: Signed) -> Print:
    path, _, query = request.target.partition("?")
    return print_of(request.method, path, query.encode("latin-1"), request.body)


@dataclass
class Record:
    """`sent` and `acked`: how often each request went out, and was answered with 2xx. `codes`: the answers, by code."""

    sent: Counter[Print] = field(default_factory=Counter)
    acked: Counter[Print] = field(default_factory=Counter)
    headers: dict[Print, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    finished: list[Story] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sends(self, request: Signed) -> None:
        with self._lock:
            print_ = print_of_signed(request)
            self.sent[print_] += 1
            self.headers[print_] = request.headers

    def heard(self, request: Signed, code: str) -> None:
        with self._lock:
            self.codes[code] += 1
            if code.startswith("2"):
                self.acked[print_of_signed(request)] += 1

    def ends(self, story: Story) -> None:
        with self._lock:
            self.finished.append(story)
