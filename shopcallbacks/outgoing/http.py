"""The one way out: HTTP POSTs to addresses that people entered. Guarded, bounded in time, no redirects.

Whoever may enter an address must not reach our own network with it. So the name is resolved here, every address it has
must be a public one, and the connection goes to the very address that was checked: a name that answers otherwise a
moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

LOOK_UP_S, CONNECT_S, READ_S, WHOLE_S = 5.0, 5.0, 10.0, 20.0
MOST_ADDRESSES = 3
_ANYCAST_6TO4 = ipaddress.ip_network("192.88.99.0/24")
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


class Trouble(StrEnum):
    """Why there is no answer: half a sentence each, and no other."""

    bad_address = "the address can't be read"
    not_https = "only https addresses are called"
    unknown_host = "its host is not known"
    private = "it lies in a private network"
    certificate = "its certificate could not be verified"
    no_connection = "no connection"
    slow = f"no answer in {READ_S:.0f} to {WHOLE_S:.0f} s"
    broken = "the connection broke before there was an answer"


# What a setting would allow.
CLOSED = (Trouble.not_https, Trouble.private)
OPENED_BY = (
    "To try it with a shop on a machine of your own, start shopcallbacks with OUTGOING_ALLOW_HTTP=1 and "
    "OUTGOING_ALLOW_PRIVATE=1."
)


def way_out(trouble: str) -> str:
    """The settings that open the way, in a sentence; empty where none does."""
    return OPENED_BY if trouble in CLOSED else ""


@dataclass(frozen=True)
class Answered:
    """What came back, whatever it says: its status is all that anybody needs."""

    status: int

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


class NotSent(Exception):
    """Nothing was sent, for this trouble."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class Clock:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds, never none at all: what begins late ends at once."""
        return max(self._end - time.monotonic(), 0.01)


class Outgoing:
    """Safe to share between threads. `read_s`: for so many seconds nothing may come; `whole_s`: it takes no longer."""

    def __init__(
        self,
        allow_http: bool = False,
        allow_private: bool = False,
        ca_file: str | None = None,
        read_s: float = READ_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        self._allow_http, self._allow_private = allow_http, allow_private
        self._read_s, self._whole_s = read_s, whole_s
        self._tls = ssl.create_default_context(cafile=ca_file or certifi.where())

    def check(self, url: str) -> Trouble | None:
        """What can be said against the address without asking the network."""
        try:
            host = self._read(url).hostname or ""
        except NotSent as not_sent:
            return not_sent.trouble
        if host.rstrip(".").lower().rpartition(".")[2] == "localhost":
            return None if self._allow_private else Trouble.private
        with suppress(ValueError, OSError):
            if not self._may(host if ":" in host else _dotted(host)):
                return Trouble.private
        return None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Trouble:
        """One clock runs over all of it: looking the name up, connecting, sending and waiting for the answer's head."""
        clock = Clock(self._whole_s)
        try:
            parts = self._read(url)
            sock = _connect(self._resolve(parts, clock), clock)
        except NotSent as not_sent:
            return not_sent.trouble
        except OSError:
            return Trouble.no_connection
        if parts.scheme == "https":
            try:
                sock = self._tls.wrap_socket(sock, server_hostname=_host(parts), do_handshake_on_connect=False)
            except OSError:  # the other end has hung up already
                sock.close()
                return Trouble.broken
        return _within_time(sock, clock, self._read_s, parts, headers, body)

    def _read(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise NotSent(Trouble.bad_address) from None
        if parts.scheme != "https" and not (parts.scheme == "http" and self._allow_http):
            raise NotSent(Trouble.not_https)
        odd = not url.isascii() or not url.isprintable() or " " in url or len(url) > 2000
        if odd or not parts.hostname or parts.username is not None or parts.fragment or port == 0:
            raise NotSent(Trouble.bad_address)
        return parts

    def _resolve(self, parts: SplitResult, clock: Clock) -> list[Any]:
        """The host's addresses, every one of them allowed."""
        found = _looked_up(_host(parts), _port(parts), clock)
        if not all(self._may(str(address[4][0])) for address in found):
            raise NotSent(Trouble.private)
        return list(found)

    def _may(self, address: str) -> bool:
        return self._allow_private or is_public(address)


def is_public(address: str) -> bool:
    """Not private, loopback, link-local, multicast, reserved, nor one that carries another address inside."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _GLOBAL_V6 and ip.is_global and ip.sixtofour is None and ip.teredo is None
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _ANYCAST_6TO4


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _dotted(host: str) -> str:
    """An IPv4 address as it is mostly written: `127.1`, `0x7f000001` and `2130706433` are one. `OSError` of a name."""
    return socket.inet_ntoa(socket.inet_aton(host))


def _looked_up(host: str, port: int, clock: Clock) -> list[Any]:
    """In a thread, for nothing else ends a look-up that takes its time."""
    found: list[Any] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(min(LOOK_UP_S, clock.left))
    if not found:
        raise NotSent(Trouble.unknown_host)
    return found


def _connect(found: list[Any], clock: Clock) -> socket.socket:
    """To the first of the checked addresses, of a few, that takes the connection."""
    for family, kind, protocol, _, address in found[:MOST_ADDRESSES]:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(min(CONNECT_S, clock.left))
        try:
            sock.connect(address)
        except OSError:
            sock.close()
        else:
            return sock
    raise NotSent(Trouble.no_connection)


def _within_time(
    sock: socket.socket, clock: Clock, read_s: float, parts: SplitResult, headers: Mapping[str, str], body: bytes
) -> Answered | Trouble:
    """Whatever trickles in, when the time is up the line is cut."""
    cut = threading.Event()

    def cut_off() -> None:
        cut.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(clock.left, cut_off)
    timer.daemon = True
    timer.start()
    try:
        sock.settimeout(read_s)
        answer = _exchange(sock, parts, headers, body)
        return Trouble.slow if cut.is_set() else answer
    except ssl.SSLCertVerificationError:
        return Trouble.certificate
    except TimeoutError:
        return Trouble.slow
    except (OSError, HTTPException):
        return Trouble.slow if cut.is_set() else Trouble.broken
    finally:
        timer.cancel()
        sock.close()


def _exchange(sock: socket.socket, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Answered:
    """Its body is not read: however large or slow it is, what was sent has arrived."""
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    line = HTTPConnection(parts.netloc)
    line.sock = sock
    target = parts._replace(scheme="", netloc="").geturl() or "/"
    line.request("POST", target if target.startswith("/") else f"/{target}", body, {**headers, "Connection": "close"})
    return Answered(line.getresponse().status)
