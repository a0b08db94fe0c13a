"""Servers and workers as processes of their own, and what they use of the machine."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests
from honcho.environ import parse_procfile

from dev.services import free_port, tied

ROOT = Path(__file__).resolve().parent.parent
LINES = parse_procfile((ROOT / "Procfile").read_text()).processes
WITHIN_S = 60.0


@dataclass(frozen=True)
class Web:
    url: str
    process: psutil.Process
    database: psutil.Process


@contextmanager
def running(command: Sequence[str], environ: dict[str, str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, told to end with the block, and where we are killed. `more`: for its pipes and the like."""
    env = {**environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen([*tied(signal.SIGTERM), *command], env=env, text=True, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving(app: str, environ: dict[str, str]) -> Iterator[Web]:
    """gunicorn with our settings, two processes, by the Procfile's line."""
    port = free_port()
    env = {**environ, "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2"}
    command = shlex.split(LINES["web"].replace("app:app", app))
    with running(command, env, stderr=subprocess.DEVNULL) as process:
        web = Web(f"http://127.0.0.1:{port}", psutil.Process(process.pid), _postmaster(environ["DATABASE_URL"]))
        _wait_for(web.url)
        yield web


@contextmanager
def working(environ: dict[str, str], *command: str) -> Iterator[psutil.Process]:
    """The worker, or another process that works beside."""
    with running(command or shlex.split(LINES["worker"]), environ, stderr=subprocess.DEVNULL) as process:
        yield psutil.Process(process.pid)


def used(process: psutil.Process) -> float:
    """Seconds of processor that it and what it forked has used so far, those that have ended too."""
    seconds = sum(process.cpu_times()[:4])
    for one in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended just now
            seconds += sum(one.cpu_times()[:2])
    return float(seconds)


def memory(process: psutil.Process) -> float:
    """MiB, shared pages by their share."""
    return float(process.memory_full_info().pss / 2**20)


def largest(process: psutil.Process) -> float:
    """MiB of the largest of its children."""
    return max(memory(one) for one in process.children(recursive=True))


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
