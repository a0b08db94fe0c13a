"""The web server's worker: a greenlet a connection, so that a client that dawdles holds up nobody (web-server.md)."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

from .wire import received_headers

# How long a client may take to send what follows the headers (for those it has gunicorn's `keepalive`), and to take in
# one piece of the answer, 64 KiB at most. Gateways and browsers need a fraction of it.
BODY_S = 15
PIECE_S = 30


class Worker(GeventWorker):
    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> None:
        received_headers.set(tuple(req.headers))
        sock.settimeout(PIECE_S)
        deadline = gevent.spawn_later(BODY_S, _hear_no_more, sock)
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:
            raise StopIteration from None  # gunicorn's word for: hang up
        finally:
            deadline.kill(block=False)


def _hear_no_more(sock: socket.socket) -> None:
    """What was not sent by now is as good as cut off. The answer can still go out."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RD)
