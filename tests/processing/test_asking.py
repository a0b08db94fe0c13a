"""Asking gateways over a real connection: slow, broken, huge and redirecting ones are told apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from shopcallbacks.domain.values import Answer, Ask, NoAnswer
from shopcallbacks.processing import asking
from shopcallbacks.processing.asking import AskGateways


class Gateway(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, bytes]]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, body))
        status, answer = {
            "/ok": (200, b"VERIFIED"),
            "/broken": (503, b"busy"),
            "/moved": (302, b""),
            "/huge": (200, b"x" * (asking.MAX_ANSWER_BYTES + 1)),
            "/certificate": (200, b"-----BEGIN CERTIFICATE-----"),
        }.get(self.path, (404, b""))
        if self.path == "/slow":
            threading.Event().wait(1)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has hung up."""


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    Gateway.seen.clear()
    with Server(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield {"gateway.example": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


@pytest.fixture
def ask(hosts: dict[str, str]) -> Iterator[AskGateways]:
    asker = AskGateways(hosts)
    yield asker
    asker.close()


def test_the_body_arrives_byte_for_byte(ask: AskGateways) -> None:
    body = b"cmd=_notify-validate&a=%e9&b=\xff&&c"
    answer = ask(Ask("POST", "https://gateway.example/ok", (("Content-Type", "text/x"),), body))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"VERIFIED")
    assert Gateway.seen == [("POST", "/ok", body)]


@pytest.mark.parametrize("url", ["https://gateway.example/ok", "https://[gateway.example/ok"])
def test_a_question_that_can_not_be_written_costs_itself_alone(ask: AskGateways, url: str) -> None:
    """A key that was pasted with a sign that no header holds; an address made of whatever an order is called."""
    answer = ask(Ask("GET", url, (("Authorization", "Bearer live_\u200bx"),)))
    assert isinstance(answer, NoAnswer)


def test_a_broken_gateways_answer_is_an_answer(ask: AskGateways) -> None:
    answer = ask(Ask("GET", "https://gateway.example/broken"))
    assert isinstance(answer, Answer)
    assert answer.status == 503


def test_redirects_are_not_followed(ask: AskGateways) -> None:
    answer = ask(Ask("GET", "https://gateway.example/moved"))
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert len(Gateway.seen) == 1


def test_a_slow_gateway_is_not_waited_for(hosts: dict[str, str]) -> None:
    impatient = AskGateways(hosts, read_s=0.2)
    assert impatient(Ask("GET", "https://gateway.example/slow")) == NoAnswer("no answer in 0.2 s")
    impatient.close()


def test_an_answer_has_a_bound(ask: AskGateways) -> None:
    assert ask(Ask("GET", "https://gateway.example/huge")) == NoAnswer("the answer is larger than 1 MiB")


def test_nobody_there_is_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        lost = AskGateways({"gateway.example": f"http://127.0.0.1:{taken.getsockname()[1]}"})
        assert lost(Ask("GET", "https://gateway.example/ok")) == NoAnswer("no connection")
        lost.close()


def test_only_https_is_asked(ask: AskGateways) -> None:
    assert ask(Ask("GET", "http://other.example/")) == NoAnswer("gateways are only asked over https")


def test_a_certificate_is_fetched_once(ask: AskGateways) -> None:
    question = Ask("GET", "https://gateway.example/certificate", keep_if=b"BEGIN CERTIFICATE")
    assert ask(question) == ask(question)
    assert len(Gateway.seen) == 1


def test_what_is_no_certificate_is_not_kept(ask: AskGateways) -> None:
    question = Ask("GET", "https://gateway.example/ok", keep_if=b"BEGIN CERTIFICATE")
    ask(question)
    ask(question)
    assert len(Gateway.seen) == 2
