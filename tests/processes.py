"""The real thing for tests: web server and worker in processes of their own, started by the Procfile's own lines."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from dev.services import free_port

ROOT = Path(__file__).parent.parent
LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


class Site:
    """A running web server and, while wanted, a worker."""

    def __init__(self, environ: Mapping[str, str], logs: Path, port: int, host: str, folder: Path) -> None:
        self.url = environ["PUBLIC_URL"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environ = {**environ, "PATH": path, "PORT": str(port), "HOST": host, "WEB_CONCURRENCY": "1"}
        self._logs, self._folder = logs, folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """By the Procfile's line for its first word: "worker", "worker two"."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                shlex.split(LINES[name.split()[0]]),
                cwd=self._folder,
                env=self._environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        process = self._processes.pop(name)
        process.send_signal(number)
        return process.wait(timeout=30)

    def kill(self, name: str) -> None:
        """kill -9, as the machine does that has no memory left. Its children die with it."""
        os.kill(self.pid(name), signal.SIGKILL)
        self.reap(name)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def reap(self, name: str) -> None:
        """One that was killed, or told to stop."""
        self._processes[name].wait(timeout=30)
        del self._processes[name]

    def end(self) -> None:
        """All of it at once."""
        for process in self._processes.values():
            process.terminate()
        try:
            for name in self.running:
                self.reap(name)
        finally:  # who does not end by itself must not live on beside the tests to come
            for process in self._processes.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Until the web server answers."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                requests.get(f"{self.url}/health", timeout=2)
            except requests.RequestException:  # not there yet, or so busy with its start that it takes longer
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(self.log("web"))

    def log(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text()

    @property
    def running(self) -> list[str]:
        return list(self._processes)


@contextmanager
def site(
    environ: Mapping[str, str],
    logs: Path,
    worker: bool = True,
    host: str = "127.0.0.1",
    folder: Path = ROOT,
    **more: str,
) -> Iterator[Site]:
    """A site on a free port, with a worker unless told; ended at the end. `folder`: where it is installed."""
    port = free_port()
    found = Site({**environ, **more, "PUBLIC_URL": f"http://{host}:{port}"}, logs, port, host, folder)
    try:
        found.start("web")
        if worker:
            found.start("worker")
        found.wait()
        yield found
    finally:
        found.end()


def until(done: object, seconds: float = 60.0) -> None:
    """Asks again and again until it is so; `AssertionError` when it takes too long."""
    assert callable(done)
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)
