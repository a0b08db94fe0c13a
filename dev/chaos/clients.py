"""Gateways, a shop and its managers: they play stories, and come again until they are heard, as real ones do."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from .. import sending
from ..sending import Headers
from .record import Record
from .stage import Stage
from .stories import Call, Cancel, Order, Rule, Signed, Step, Story, signed

TIMEOUT_S = 15.0
AGAIN_S, LOOK_S = 0.3, 1.0
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')


class Clients:
    """`count`: how many callbacks they tell at most."""

    def __init__(self, stage: Stage, record: Record, told: Iterator[Story], count: int, threads: int) -> None:
        self._stage, self._record, self._told, self._left = stage, record, told, count
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._manager = Manager(stage)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def begin_no_more(self) -> None:
        self._over.set()

    def finish(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.1))

    @property
    def at_work(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _next(self) -> Story | None:
        with self._lock:
            if self._over.is_set() or self._left <= 0:
                return None
            story = next(self._told)
            self._left -= sum(step.times for step in story.steps if isinstance(step, Call))
            return story

    def _work(self) -> None:
        while (story := self._next()) is not None:
            with self._lock:
                self._record.unfinished.append(story.name)
            for step in story.steps:
                self._play(step)
            with self._lock:
                self._record.unfinished.remove(story.name)
            self._record.ends(story)

    def _play(self, step: Step) -> None:
        if isinstance(step, Call):
            request = signed(step)
            assert request is not None
            for _ in range(step.times):
                self._until_heard(request)
        elif isinstance(step, Order):
            data = {"number": step.number, "amount": str(step.money.amount), "currency": step.money.currency}
            self._shop("/api/orders", data)
        elif isinstance(step, Cancel):
            self._shop(f"/api/orders/{step.number}/cancel", {})
        else:
            self._rule(step)

    def _until_heard(self, request: Signed) -> None:
        while True:
            self._record.sends(request)
            code = send(self._stage.url, request.method, request.target, request.headers, request.body)[0]
            self._record.heard(request, code)
            if code.startswith("2"):
                return
            time.sleep(AGAIN_S)

    def _shop(self, target: str, data: object) -> None:
        headers = (("Authorization", f"Bearer {self._stage.api_token}"), ("Content-Type", "application/json"))
        while not send(self._stage.url, "POST", target, headers, json.dumps(data).encode())[0].startswith("2"):
            time.sleep(AGAIN_S)

    def _rule(self, rule: Rule) -> None:
        """Once the callback waits for it, until it does not any more; a retry first, where its gateway was away."""
        while True:
            waits = self._stage.waiting_on(rule.number)
            if waits is None:
                return
            id_, reason = waits
            if id_:
                away = reason == "gateway_unreachable"
                self._manager.rule(id_, replace(rule, verb="retry", noun="retry") if away else rule)
            time.sleep(LOOK_S)


class Manager:
    """Decides by HTTP, logged in, or by the command line."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lock = threading.Lock()
        self._cookies: dict[str, str] = {}

    def rule(self, callback_id: int, rule: Rule) -> None:
        if rule.by == "cli":
            self._stage.command("callbacks", rule.verb, str(callback_id), "--why", "seen at the bank")
            return
        with self._lock:
            self._by_http(f"/callbacks/{callback_id}/{rule.noun}", {"why": "seen at the bank"})

    def _by_http(self, target: str, form: dict[str, str]) -> None:
        """Logs in first where it is not, or not any more."""
        if not self._cookies:
            self._post("/login", {"email": self._stage.manager[0], "password": self._stage.manager[1]}, "/login")
        if not self._post(target, form, target.removesuffix("/retry")):
            self._cookies.clear()

    def _post(self, target: str, form: dict[str, str], page: str) -> bool:
        """With the token of that page; whether it was taken, or refused for what it says."""
        code, body = self._go("GET", page)
        token = _TOKEN.search(body)
        if code != "200" or token is None:
            return False
        return self._go("POST", target, {**form, "csrf_token": token.group(1).decode()})[0] in ("200", "303", "409")

    def _go(self, method: str, target: str, form: dict[str, str] | None = None) -> tuple[str, bytes]:
        headers = [("Cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items()))]
        body = urlencode(form).encode() if form else b""
        if form:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        code, answer, got = _exchange(self._stage.url, method, target, tuple(headers), body)
        for name, value in got:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return code, answer


class Follower(threading.Thread):
    """The shop's own system: follows the feed of its orders all along. `broken`: what must not be."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage, self._over = stage, threading.Event()
        self.cursor, self.broken = 0, 0

    def run(self) -> None:
        headers = (("Authorization", f"Bearer {self._stage.api_token}"),)
        while not self._over.wait(0.5):
            code, body = send(self._stage.url, "GET", f"/api/events?after={self.cursor}&limit=1000", headers, b"")
            if code != "200":
                continue
            for event in json.loads(body)["events"]:
                self.broken += int(event["position"]) != self.cursor + 1
                self.cursor = int(event["position"])

    def stop(self) -> None:
        self._over.set()
        self.join(TIMEOUT_S)


def send(url: str, method: str, target: str, headers: Headers, body: bytes) -> tuple[str, bytes]:
    """The code, or in a word why there is none; and the body."""
    return _exchange(url, method, target, headers, body)[:2]


def _exchange(
    url: str, method: str, target: str, headers: Headers, body: bytes
) -> tuple[str, bytes, list[tuple[str, str]]]:
    try:
        status, answer, got = sending.send(url, method, target, headers, body, TIMEOUT_S)
    except TimeoutError:
        return "no answer in time", b"", []
    except (OSError, http.client.HTTPException):
        return "refused or reset", b"", []
    return str(status), answer, got
