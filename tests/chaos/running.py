"""`make chaos` as a test runs it: in a process of its own, short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def chaos(*arguments: str) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "dev.chaos", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    return done.returncode, done.stdout + done.stderr[-4000:]
