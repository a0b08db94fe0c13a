"""`make run` of an installed clone to its first page, beside making and starting the two servers alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import requests

from dev.services import create_database, free_port, postgres, redis

from .place import thrown_away
from .table import Line, Row, in_turns
from .web import ROOT, running

WITHIN_S = 120.0


def measure() -> Iterator[Row]:
    figures = in_turns(_first_page, _servers)
    beside = "initdb and both servers' start"
    yield Line("make run, to the first page", beside, "s", *figures, 2, less_is_better=True)


def _servers() -> float:
    started = time.perf_counter()
    with (
        thrown_away() as folder,
        postgres(folder / "postgres") as server,
        redis(folder / "redis"),
    ):
        create_database(server.url, "bench")
        return time.perf_counter() - started


def _first_page() -> float:
    with thrown_away() as folder:
        _copy(folder)
        port = free_port()
        command = [sys.executable, "-m", "dev.run", "--demo", "off", "--port", str(port)]
        known = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        started = time.perf_counter()
        with running(command, known, cwd=folder, stdout=subprocess.DEVNULL):
            while time.perf_counter() - started < WITHIN_S:
                with suppress(requests.ConnectionError):
                    if requests.get(f"http://127.0.0.1:{port}/login", timeout=5).ok:
                        return time.perf_counter() - started
                time.sleep(0.05)
            raise TimeoutError("no page")


def _copy(folder: Path) -> None:
    """What the repository holds, without what was ever run in it."""
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in told.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
