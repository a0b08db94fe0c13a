"""The workers: one for each lane and the scheduler, forked from a parent that has the app imported once.

`python worker.py`. SIGTERM (or Ctrl-C) finishes the batch in hand. A child that dies is started again.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError

from app import app
from shopcallbacks.domain.states import Lane
from shopcallbacks.extensions import db
from shopcallbacks.jobs.lane import LaneWorker
from shopcallbacks.jobs.sweeps import begin_sweeps
from shopcallbacks.logs import formatter

log = logging.getLogger("worker")
RESTART_AFTER_S = 2.0
PR_SET_PDEATHSIG = 1
STOPS = {signal.SIGTERM, signal.SIGINT}


def work(lane: str) -> None:
    """Takes the lane's jobs."""
    with app.app_context():
        LaneWorker(lane, Redis.from_url(app.config["REDIS_URL"])).work(logging_level="WARNING")


def schedule() -> None:
    """Lets the sweeps begin on time."""
    redis, every = Redis.from_url(app.config["REDIS_URL"]), app.config["SWEEP_SECONDS"]
    while True:
        begin_sweeps(redis, every)
        time.sleep(every)


def child(run: Callable[..., None], *args: str) -> None:
    """In the child: nothing shared with the parent, and no life without it."""
    if hasattr(signal, "SIGKILL") and os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the parent says when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    with app.app_context():
        db.engine.dispose(close=False)
    try:
        run(*args)
    except RedisError as error:
        log.warning("Redis is away: %s", error)


class Children:
    """Keeps one process for each job description running until told to stop."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
            Lane.plain: (work, (Lane.plain,)),
            Lane.asking: (work, (Lane.asking,)),
            Lane.outgoing: (work, (Lane.outgoing,)),
            "scheduler": (schedule, ()),
        }
        self._running: dict[str, BaseProcess] = {}
        self._born: dict[str, float] = {}
        self._stopping = False

    def run(self) -> None:
        for number in STOPS:
            signal.signal(number, self.stop)
        while not self._stopping:
            for name in self._wanted:
                self._keep(name)
            time.sleep(0.2)
        for process in self._running.values():
            process.join()

    def _keep(self, name: str) -> None:
        process = self._running.get(name)
        if process is not None and process.is_alive():
            return
        if time.monotonic() - self._born.get(name, -RESTART_AFTER_S) < RESTART_AFTER_S:
            return
        if process is not None:
            log.warning("%s ended with %s and is started again", name, process.exitcode)
        self._begin(name)

    def _begin(self, name: str) -> None:
        """Whoever says stop meanwhile is heard when the child is known, so that it is told too."""
        run, args = self._wanted[name]
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            if not self._stopping:
                process = get_context("fork").Process(target=child, args=(run, *args), name=name)
                process.start()
                self._running[name], self._born[name] = process, time.monotonic()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Asks every child to finish what it has in hand."""
        if self._stopping:
            return
        self._stopping = True
        for process in self._running.values():
            if process.is_alive():
                process.terminate()


if __name__ == "__main__":
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(app.config["LOG_FORMAT"], "%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    gc.freeze()  # to look for garbage in all that was loaded takes a tenth of a second, and copies what is shared
    Children().run()
