"""How whoever runs commands is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAITS = """
import signal, sys, time
from dev.processes import ENDS, interrupt_when_told

for each in ENDS:
    signal.signal(each, signal.SIG_IGN if each.name == sys.argv[1] else signal.SIG_DFL)
interrupt_when_told()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("ignored", "told"),
    [("SIGINT", ["SIGINT"]), ("SIGINT", ["SIGHUP"]), ("SIGHUP", ["SIGHUP", "SIGTERM"]), ("SIGTERM", ["SIGTERM"])],
)
def test_a_run_is_ended_by_each_signal_but_by_a_closed_terminal_under_nohup(ignored: str, told: list[str]) -> None:
    command = [sys.executable, "-c", WAITS, ignored]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for each in told[:-1]:
            process.send_signal(signal.Signals[each])
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
        process.send_signal(signal.Signals[told[-1]])
        assert process.communicate(timeout=30)[0] == "interrupted\n"
        assert process.returncode == 0
