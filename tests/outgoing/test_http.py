"""The one way out: what it refuses, and that whatever the other side does it ends, in a sentence."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from shopcallbacks.outgoing import http
from shopcallbacks.outgoing.http import MOST_ADDRESSES, Answered, Outgoing, Trouble, is_public

from ..receiver import Receiver, http_receiver
from ..tls import make_certificate

OPEN = Outgoing(allow_http=True, allow_private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection whatever it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line, suppress(OSError):
                    talk(line)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


def test_what_is_posted_arrives_byte_for_byte(receiver: Receiver) -> None:
    answer = OPEN.post(f"{receiver.url}?a=%20b", {"X-One": "1"}, b"\x00\xffbody")
    assert answer == Answered(204)
    assert (receiver.received[0].path, receiver.received[0].body) == ("/orders?a=%20b", b"\x00\xffbody")
    assert receiver.received[0].headers["X-One"] == "1"
    assert receiver.received[0].headers["Host"] == receiver.url.split("/")[2]


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 127.8.9.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
    255.255.255.255 240.0.0.1 192.88.99.1 192.0.2.1 198.18.0.1 :: ::1 fe80::1 fc00::1 fd12:3456::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::1
    2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 ::127.0.0.1""".split(),
)
def test_what_is_no_public_address_is_not_called(address: str) -> None:
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    assert Outgoing().check(f"https://{host}/") is Trouble.private
    assert Outgoing().post(f"https://{host}/", {}, b"") is Trouble.private


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"])
def test_a_public_address_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f.1", "2130706433", "017700000001"])
def test_other_ways_to_write_this_machine_lead_nowhere(host: str) -> None:
    assert Outgoing().check(f"https://{host}/") is Trouble.private
    assert Outgoing().post(f"https://{host}/", {}, b"") in (Trouble.private, Trouble.unknown_host)
    assert OPEN.check(f"http://{host}/") is None


def test_a_name_is_only_looked_up_when_it_is_called() -> None:
    assert Outgoing().check("https://nothing.invalid/") is None
    assert Outgoing().check("https://localhost.shop.example/") is None
    assert Outgoing().check("https://hooks.localhost./") is Trouble.private


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://shop.example/", Trouble.not_https),
        ("ftp://shop.example/", Trouble.not_https),
        ("file:///etc/passwd", Trouble.not_https),
        ("shop.example/hook", Trouble.not_https),
        ("", Trouble.not_https),
        ("https://", Trouble.bad_address),
        ("https://user:password@shop.example/", Trouble.bad_address),
        ("https://shop.example:99999/", Trouble.bad_address),
        ("https://shop.example/#part", Trouble.bad_address),
        ("https://shop.example/ a", Trouble.bad_address),
        ("https://shop.example/\r\nX-Evil: 1", Trouble.bad_address),
        ("https://[::1", Trouble.bad_address),
        ("https://nothing.invalid/", Trouble.unknown_host),
    ],
)
def test_an_address_that_can_not_be_called_is_said_so(url: str, trouble: Trouble) -> None:
    assert Outgoing().post(url, {}, b"") is trouble


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name server answers so, one after the other. The hosts it was asked for."""
    asked: list[str] = []
    rest = list(answers)

    def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in rest.pop(0)]

    monkeypatch.setattr(http.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    assert Outgoing().post("https://shop.example/", {}, b"") is Trouble.private


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """The name server changes its mind between check and connection: nobody asks it again."""
    asked = answering(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    connected: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(http.socket.socket, "connect", connect)
    assert Outgoing(allow_http=True).post(receiver.url.replace("127.0.0.1", "shop.example"), {}, b"") is (
        Trouble.no_connection
    )
    assert (asked, [address[0] for address in connected]) == (["shop.example"], ["93.184.215.14"])


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(30) and [])
    monkeypatch.setattr(http, "LOOK_UP_S", 0.05)
    assert Outgoing().post("https://shop.example/", {}, b"") is Trouble.unknown_host
    never.set()


def test_of_many_addresses_that_swallow_everything_only_a_few_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [f"93.184.215.{n}" for n in range(1, 61)])
    tried: list[Any] = []

    def swallow(line: socket.socket, address: Any) -> None:
        tried.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", swallow)
    assert Outgoing().post("https://shop.example/", {}, b"") is Trouble.no_connection
    assert len(tried) == MOST_ADDRESSES


def test_what_the_first_steps_took_the_later_ones_have_not(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["93.184.215.1"])
    waits: list[float | None] = []

    def swallow(line: socket.socket, address: Any) -> None:
        waits.append(line.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", swallow)
    Outgoing(whole_s=1.0).post("https://shop.example/", {}, b"")
    assert [wait is not None and wait <= 1.0 < http.CONNECT_S for wait in waits] == [True]


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: 302
    answer = OPEN.post(receiver.url, {}, b"")
    assert isinstance(answer, Answered)
    assert (answer.status, answer.good, len(receiver.received)) == (302, False, 1)


def test_nobody_there_is_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert OPEN.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", {}, b"") is Trouble.no_connection


def test_a_line_that_breaks_is_said_so() -> None:
    with raw_server(lambda line: None) as url:
        assert OPEN.post(url, {}, b"") is Trouble.broken


def test_nonsense_is_no_answer() -> None:
    with raw_server(lambda line: line.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")) as url:
        assert OPEN.post(url, {}, b"") is Trouble.broken


def test_silence_ends() -> None:
    impatient = Outgoing(allow_http=True, allow_private=True, read_s=0.2)
    with raw_server(lambda line: time.sleep(1)) as url:
        assert impatient.post(url, {}, b"") is Trouble.slow


def test_an_answer_that_trickles_in_for_ever_is_cut_off() -> None:
    impatient = Outgoing(allow_http=True, allow_private=True, whole_s=0.5)

    def trickle(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            line.sendall(b"X: y\r\n"[:1])
            time.sleep(0.05)

    with raw_server(trickle) as url:
        assert impatient.post(url, {}, b"") is Trouble.slow


@pytest.mark.parametrize(
    "rest",
    [b"\r\n" + b"x" * 1024 * 1024, b"\r\n", b"Content-Length: 10\r\n\r\nok"],
    ids=["large", "slow", "broken off"],
)
def test_what_was_answered_has_arrived_whatever_becomes_of_the_rest(rest: bytes) -> None:
    impatient = Outgoing(allow_http=True, allow_private=True, read_s=0.5)

    def talk(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\n" + rest)
        if rest == b"\r\n":
            time.sleep(1)

    with raw_server(talk) as url:
        assert impatient.post(url, {}, b"") == Answered(200)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("shop.example", True, Answered(200)),
        ("127.0.0.1", True, Answered(200)),
        ("other.example", True, Trouble.certificate),
        ("shop.example", False, Trouble.certificate),
    ],
)
def test_the_certificate_must_be_of_the_host_that_was_named(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, host: str, trusted: bool, expected: object
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(line: socket.socket) -> None:
        with context.wrap_socket(line, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with raw_server(talk) as url:
        answering(monkeypatch, ["127.0.0.1"])
        out = Outgoing(allow_private=True, ca_file=str(certificate) if trusted else None)
        assert out.post(url.replace("http", "https").replace("127.0.0.1", host), {}, b"") == expected
