"""Asks gateways over HTTP: pooled connections, TLS verified, no redirects, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from ..domain.values import Answer, Ask, NoAnswer

CONNECT_S, READ_S, WHOLE_S = 5, 10, 30
MAX_ANSWER_BYTES = 1024 * 1024
CACHE_S = 3600
CACHE_SIZE = 100


class AskGateways:
    """Callable with an `Ask`; safe to share between threads. `hosts` sends a host to this machine (demo and tests)."""

    def __init__(self, hosts: Mapping[str, str], read_s: float = READ_S) -> None:
        self._hosts, self._read_s = dict(hosts), read_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "shopcallbacks"
        self._session.mount("https://", HTTPAdapter(pool_connections=32, pool_maxsize=16))
        self._cache: dict[str, tuple[float, Answer]] = {}

    def close(self) -> None:
        self._session.close()

    def __call__(self, question: Ask) -> Answer | NoAnswer:
        kept = self._cache.get(question.url) if question.keep_if else None
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        answer = self._ask(question)
        if question.keep_if and isinstance(answer, Answer) and answer.status == 200 and question.keep_if in answer.body:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[question.url] = (time.monotonic() + CACHE_S, answer)
        return answer

    def _ask(self, question: Ask) -> Answer | NoAnswer:
        """A question costs itself alone, whatever a key or an order's number makes of it."""
        try:
            return self._answer_to(question)
        except Exception as error:
            return NoAnswer(f"no answer ({type(error).__name__})")

    def _answer_to(self, question: Ask) -> Answer | NoAnswer:
        parts = urlsplit(question.url)
        instead = self._hosts.get(parts.hostname or "")
        if instead is None and parts.scheme != "https":
            return NoAnswer("gateways are only asked over https")
        url = (
            question.url
            if instead is None
            else parts._replace(scheme=urlsplit(instead).scheme, netloc=urlsplit(instead).netloc).geturl()
        )
        started = time.monotonic()
        try:
            with self._session.request(
                question.method,
                url,
                headers=dict(question.headers),
                data=question.body or None,
                timeout=(CONNECT_S, self._read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(16 * 1024):
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        return NoAnswer("the answer is larger than 1 MiB")
                    if time.monotonic() - started > WHOLE_S:
                        return NoAnswer(f"no whole answer in {WHOLE_S} s")
                return Answer(response.status_code, bytes(body), tuple(response.headers.items()))
        except requests.exceptions.SSLError:
            return NoAnswer("its certificate could not be verified")
        except requests.exceptions.ConnectTimeout:
            return NoAnswer(f"no connection in {CONNECT_S} s")
        except requests.exceptions.Timeout:
            return NoAnswer(f"no answer in {self._read_s} s")
        except requests.exceptions.ConnectionError:
            return NoAnswer("no connection")
