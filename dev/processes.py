"""Commands with their logs: those that run once, and those that stay. And how whoever runs them is told to end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from types import TracebackType

from .services import tied

UNTIL_DOWN_S = 60.0  # a worker finishes the batch in hand
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a polite kill, a terminal that is closed
TROUBLE = re.compile(r"\b(ERROR|CRITICAL)\b")

Env = dict[str, str]


class CannotRun(RuntimeError):
    """A sentence for the person at the terminal."""


class Process:
    """One long-running, simple command; its output goes to a log, what looks like trouble to the screen too."""

    def __init__(self, name: str, command: str, env: Env, logs: Path) -> None:
        self.name, self._command, self._env = name, command, env
        self._log = _fresh_log(logs, name)
        self._shown = 0
        self._in_traceback = False

    def __enter__(self) -> Process:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*tied(signal.SIGTERM), "sh", "-c", f"exec {self._command}"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we say who stops when
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self.ended:
            self._process.terminate()
        try:
            self._process.wait(UNTIL_DOWN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self.show_trouble()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def show_trouble(self) -> None:
        """Errors and tracebacks that are new in its log."""
        with self._log.open("rb") as log:
            log.seek(self._shown)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._shown += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            begins = line.startswith("Traceback ")
            if begins or self._in_traceback or TROUBLE.search(line):
                print(f"{self.name:8} | {line}", flush=True)
            self._in_traceback = begins or (self._in_traceback and line.startswith((" ", "\t")))

    def must_run(self) -> None:
        if self.ended:
            raise CannotRun(self.last_words)

    @property
    def last_words(self) -> str:
        """Of one that has ended by itself."""
        return f"{self.name} has ended. The end of {self._log}:\n{_tail(self._log)}"


def interrupt_when_told() -> None:
    """The first of `ENDS` interrupts this process; the stop that follows is not interrupted.

    Under nohup a terminal that is closed ends nothing. Ctrl-C does, though a shell that put us aside has it ignored.
    """
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [each for each in ENDS if not (stays and each is signal.SIGHUP)]

    def interrupt(number: int, frame: object) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in heard:
        signal.signal(each, interrupt)


def once(name: str, command: str, env: Env, logs: Path) -> None:
    """Runs it to its end; `CannotRun` with the end of its log when it fails."""
    log = _fresh_log(logs, name)
    with log.open("wb") as output:
        code = subprocess.run(command, shell=True, env=env, stdout=output, stderr=subprocess.STDOUT).returncode
    if code:
        raise CannotRun(f"{command!r} failed. The end of {log}:\n{_tail(log)}")


def _fresh_log(logs: Path, name: str) -> Path:
    """The log to write; that of the run before is kept beside it."""
    logs.mkdir(exist_ok=True)
    log = logs / f"{name}.log"
    if log.exists():
        log.rename(logs / f"{name}.before.log")
    return log


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
