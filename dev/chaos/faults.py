"""What dies: one fault after the other, each followed by the time until the product has healed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from random import Random

import psutil
import psycopg

from .record import Record
from .stage import Stage

_LEFT = "SELECT EXISTS (SELECT FROM callbacks WHERE state = 'received' AND NOT asks AND received_at < to_timestamp(%s))"
FROZEN_S = 8.0  # longer than what a frozen process may hold up
HEALED_S = 30.0
JUMP_S, WRONG_S = 30.0, 3.0
LOOK_S = 0.2
FULL_S = 8.0


class Faults:
    """To be used from the main thread only: a server started by another would die with that."""

    def __init__(self, stage: Stage, record: Record, rng: Random, only: Sequence[str] = ()) -> None:
        self._stage, self._record, self._rng, self._only = stage, record, rng, only
        self._left: list[tuple[str, Callable[[], None]]] = []
        if unknown := set(only) - self._kinds().keys():
            raise ValueError(f"no fault is {', '.join(sorted(unknown))} here; there are: {'; '.join(self._kinds())}")

    def strike(self) -> None:
        """The next one; each kind once before any comes again. Returns when all is healed, or `HEALED_S` later."""
        if not self._left:
            self._left = [(name, kind) for name, kind in self._kinds().items() if not self._only or name in self._only]
            self._rng.shuffle(self._left)
        name, fault = self._left.pop()
        fault()
        struck, at = time.monotonic(), time.time()
        self._record.kills[name] += 1
        while time.monotonic() - struck < HEALED_S and not self._healed(at):
            time.sleep(LOOK_S)
        self._record.recoveries.append(time.monotonic() - struck)

    def _kinds(self) -> dict[str, Callable[[], None]]:
        return {
            "PostgreSQL stopped at once": self._quit_postgres,
            "backend -9": self._kill_a_backend,
            "connections cut": self._cut_connections,
            "Redis -9, back empty": self._empty_redis,
            "web worker -9": lambda: self._kill_child("web"),
            "web -9, all of it": lambda: self._kill_family("web"),
            "worker's child -9": lambda: self._kill_child(self._worker()),
            "worker's parent -9": lambda: self._kill_parent(self._worker()),
            "worker -9, all of it": lambda: self._kill_family(self._worker()),
            "worker's child frozen": lambda: self._freeze(self._worker()),
            "worker stopped politely": lambda: self._terminate(self._worker()),
            "a worker's clock jumps there and back": lambda: self._jump(self._worker()),
            "the web's clock jumps there and back": lambda: self._jump("web"),
        } | ({"disk full": self._fill_the_disk} if self._stage.disk.can_be_full else {})

    def _worker(self) -> str:
        return self._rng.choice(("worker 1", "worker 2"))

    def _healed(self, struck: float) -> bool:
        """The web answers, and all that had come by then was looked at. (How long what comes later waits is a matter of
        how much comes, for the clients never pause.)
        """
        try:
            return self._stage.ask(_LEFT, (struck,)) == [(False,)] and self._stage.healthy()
        except psycopg.Error:
            return False

    def _quit_postgres(self) -> None:
        server = self._stage.postgres
        assert server.process is not None
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(20)
        server.process = None
        server.start()

    def _kill_a_backend(self) -> None:
        with contextlib.suppress(psycopg.Error):
            found = self._stage.ask(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'chaos' AND pid <> pg_backend_pid() "
                "ORDER BY state = 'active' DESC, random() LIMIT 1"
            )
            for (pid,) in found:
                os.kill(pid, signal.SIGKILL)

    def _cut_connections(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._stage.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos' "
                "AND pid <> pg_backend_pid()"
            )

    def _empty_redis(self) -> None:
        redis = self._stage.redis
        redis.kill()
        redis.erase()
        redis.start()

    def _kill_child(self, name: str) -> None:
        children = self._stage.part(name).children()
        if children:
            _kill(self._rng.choice(children))

    def _kill_parent(self, name: str) -> None:
        process = self._stage.part(name).process
        if process is not None:
            _kill(process)

    def _kill_family(self, name: str) -> None:
        part = self._stage.part(name)
        for one in [*part.children(), *([part.process] if part.process else [])]:
            _kill(one)

    def _freeze(self, name: str) -> None:
        """Neither dead nor alive for a while, with whatever it holds."""
        children = self._stage.part(name).children()
        if not children:
            return
        child = self._rng.choice(children)
        with contextlib.suppress(psutil.Error):
            child.suspend()
            time.sleep(FROZEN_S)
            child.resume()

    def _terminate(self, name: str) -> None:
        process = self._stage.part(name).process
        if process is not None:
            with contextlib.suppress(psutil.Error):
                process.terminate()

    def _jump(self, name: str) -> None:
        """For a moment; the others and the database keep theirs."""
        clock = self._stage.part(name).clock
        clock.write_text(str(self._rng.choice((-JUMP_S, JUMP_S))))
        time.sleep(WRONG_S)
        clock.write_text("")

    def _fill_the_disk(self) -> None:
        """Until the web says so. A server that gave up for it is started again."""
        self._stage.disk.fill()
        until = time.monotonic() + FULL_S
        while time.monotonic() < until and self._stage.healthy():
            time.sleep(0.2)
        self._stage.disk.empty()
        server = self._stage.postgres
        if server.process is None or server.process.poll() is not None:
            server.process = None
            server.start()


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.kill()
