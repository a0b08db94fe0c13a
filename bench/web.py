"""Servers and workers as processes of their own, and what they use of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import requests

from dev.services import free_port

WITHIN_S = 60.0


@dataclass(frozen=True)
class Web:
    url: str
    process: psutil.Process
    database: psutil.Process


@contextmanager
def serving(app: str, environ: dict[str, str]) -> Iterator[Web]:
    """gunicorn with our settings, two processes, as the Procfile begins it."""
    port = free_port()
    env = _env({**environ, "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2"})
    process = subprocess.Popen(["nice", "-n", "5", "gunicorn", app], env=env, stderr=subprocess.DEVNULL)
    web = Web(f"http://127.0.0.1:{port}", psutil.Process(process.pid), _postmaster(environ["DATABASE_URL"]))
    try:
        _wait_for(web.url)
        yield web
    finally:
        process.terminate()
        process.wait()


@contextmanager
def working(environ: dict[str, str], *command: str) -> Iterator[psutil.Process]:
    """The worker, or another process that works beside."""
    command = command or (sys.executable, "worker.py")
    process = subprocess.Popen(command, env=_env(environ), stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def used(process: psutil.Process) -> float:
    """Seconds of processor that it and what it forked has used so far, those that have ended too."""
    seconds = sum(process.cpu_times()[:4])
    for one in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended just now
            seconds += sum(one.cpu_times()[:2])
    return float(seconds)


def memory(process: psutil.Process) -> list[float]:
    """MiB of each of its children, shared pages by their share."""
    return [one.memory_full_info().pss / 2**20 for one in process.children(recursive=True)]


def _env(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _postmaster(url: str) -> psutil.Process:
    with psycopg.connect(url) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
        assert parent is not None
        return parent


def _wait_for(url: str) -> None:
    until = time.monotonic() + WITHIN_S
    while True:
        with suppress(requests.RequestException):
            requests.get(url + "/health", timeout=2)
            return
        if time.monotonic() > until:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.1)
