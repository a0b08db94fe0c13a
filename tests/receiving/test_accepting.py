"""Connections are accepted some at a time, so that who opens many at once keeps nobody else outside."""

from __future__ import annotations

from gunicorn.workers import ggevent

from shopcallbacks.receiving.server import ACCEPTED_AT_ONCE, Worker


def test_what_our_worker_listens_with_accepts_some_at_a_time_whatever_gunicorn_says() -> None:
    assert issubclass(Worker, ggevent.GeventWorker)
    listening = ggevent.StreamServer(("127.0.0.1", 0), handle=print)
    listening.max_accept = 1  # as gunicorn does where it has other processes beside
    assert listening.max_accept == ACCEPTED_AT_ONCE > 1
