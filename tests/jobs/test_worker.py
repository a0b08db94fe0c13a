"""The parent of the workers: told to stop at whatever moment, it and all its children end."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from tests.processes import ROOT

TOLD_BEHIND_THE_FORK = """
import os, signal
from multiprocessing.process import BaseProcess
import worker

start = BaseProcess.start

def start_and_stop(self):
    start(self)
    os.kill(os.getpid(), signal.SIGTERM)

BaseProcess.start = start_and_stop
worker.Children().run()
"""


def test_who_is_told_to_stop_while_a_child_is_born_stops_with_it(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TOLD_BEHIND_THE_FORK], cwd=ROOT, env={**os.environ, **environ}, start_new_session=True
    ) as parent:
        try:
            assert parent.wait(timeout=50) == 0
        finally:
            for left in psutil.Process(parent.pid).children() if parent.poll() is None else []:
                left.kill()
            parent.kill()
