"""The web server's worker: a greenlet a connection, so that a client that dawdles holds up nobody (web-server.md).

And its log, which hides what ours hides: it quotes what it was asked for, and whatever went wrong.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn import glogging
from gunicorn.workers import ggevent

from ..logs import Formatter
from .wire import received_headers

# How long a client may take to send what follows the headers (for those it has gunicorn's `keepalive`), and to take in
# one piece of the answer, 64 KiB at most. Gateways and browsers need a fraction of it.
BODY_S = 15
PIECE_S = 30
ACCEPTED_AT_ONCE = 8


class _Server(StreamServer):
    """Takes in some connections at a time. gunicorn has it take one and do all else that is there to do before the
    next, so that who opens many at once keeps everybody else at the door: 64 of them for 0.4 s.
    """

    max_accept = property(lambda self: ACCEPTED_AT_ONCE, lambda self, one: None)


ggevent.StreamServer = _Server


class Log(glogging.Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Formatter(self.error_fmt, self.datefmt))


class Worker(ggevent.GeventWorker):
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
