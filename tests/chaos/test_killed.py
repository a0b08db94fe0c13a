"""A chaos run that is killed leaves nothing behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.services import tied

from .running import ROOT

STAGED = """
import os, sys, time
from pathlib import Path
from dev.chaos.disk import Disk
from dev.chaos.stage import Part

folder = Path(sys.argv[1])
with Disk(folder / "disk") as disk:
    part = Part("sleeper", "sleep 600", os.environ, folder)
    part.keep()
    print(part.process.pid, disk.can_be_full, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not tied(signal.SIGTERM), reason="no setpriv on this machine")
def test_a_killed_run_takes_its_processes_and_its_disk_along(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STAGED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        pid, mounted = run.stdout.readline().decode().split()
        assert _is_mounted(tmp_path / "disk") == (mounted == "True")
        run.kill()
    until = time.monotonic() + 60
    while _runs(int(pid)) or _is_mounted(tmp_path / "disk"):
        assert time.monotonic() < until
        time.sleep(0.05)


def _is_mounted(folder: Path) -> bool:
    return f" {folder} " in Path("/proc/mounts").read_text()


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # nobody may be there to bury it
    return False
