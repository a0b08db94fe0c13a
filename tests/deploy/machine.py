"""A machine with a systemd of its own, in namespaces: the product is installed on it as docs/debian.md says.

PostgreSQL and Redis are those of the tests: the network is the one outside. Only root can make it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from ..processes import until

ROOT = Path(__file__).parent.parent.parent
INSTALLED = ("app.py", "worker.py", "gunicorn.conf.py", "shopcallbacks", "templates", "static", "migrations", "deploy")
COMMANDS = ("flask", "gunicorn")
NEEDED = ("unshare", "nsenter", "systemctl", "/lib/systemd/systemd")
CGROUPS = [path for path in map(Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")) if path.is_dir()]
# There is no journal: what the units print can be read from outside. And another port, for that one may be taken.
LOGGED = "[Service]\nStandardOutput=append:/var/log/%n.log\nStandardError=append:/var/log/%n.log\n"
LISTENS = "[Socket]\nListenStream=\nListenStream=127.0.0.1:{}\n"


def why_not() -> str:
    """A sentence where no such machine can be made here."""
    if os.geteuid() != 0:
        return "only root can start a systemd in a namespace"
    missing = [command for command in NEEDED if shutil.which(command) is None]
    return f"no {missing[0]} on this machine: install systemd" if missing else ""


class Machine:
    """`settings`, `owner`: what stands in /etc/shopcallbacks/environment and /etc/shopcallbacks/release."""

    def __init__(self, folder: Path, settings: Mapping[str, str], owner: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings, self._owner = settings, owner
        self._changed = {"service": LOGGED, "shopcallbacks-web.socket": LISTENS.format(settings["PORT"])}
        self._outside: psutil.Popen | None = None
        self._cgroups = [path / f"shopcallbacks-{os.getpid()}" for path in CGROUPS or [Path("/sys/fs/cgroup")]]

    def start(self) -> None:
        """Returns once it is up, nothing of the product started. `AssertionError`, `OSError` where it does not come."""
        for path in self._cgroups:
            path.mkdir()
        with (self._folder / "log" / "boot").open("wb") as log:
            namespaces = ("--fork", "--pid", "--mount", "--cgroup", "--uts", "--ipc")
            first = ("sh", Path(__file__).with_suffix(".sh"), self._folder, sys.base_prefix, f"{sys.prefix}/lib")
            self._outside = psutil.Popen(
                ["unshare", *namespaces, *first],
                preexec_fn=self._into_cgroups,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self._inside is not None and self.systemctl("is-active", "basic.target") == "active", 30)

    def _into_cgroups(self) -> None:
        for path in self._cgroups:
            (path / "cgroup.procs").write_text(str(os.getpid()))

    def install(self) -> None:
        """What a machine of that kind holds: the product, its units and settings."""
        for name in ("memory", "log", "settings", "product"):
            (self._folder / name).mkdir()
        product, units = self._folder / "product", self._folder / "units"
        for name in INSTALLED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, product / name)
        self._make_venv(product / ".venv")
        shutil.copytree(ROOT / "deploy" / "systemd", units)
        for name, changed in self._changed.items():
            (units / f"{name}.d").mkdir()
            (units / f"{name}.d" / "here.conf").write_text(changed)
        for name, values in (("environment", self._settings), ("release", self._owner)):
            lines = "".join(f"{key}={value}\n" for key, value in values.items())
            (self._folder / "settings" / name).write_text(lines)

    def _make_venv(self, venv: Path) -> None:
        """This one's packages, by an interpreter that the product's user may read: it may lie in a home."""
        for path in (venv / "bin", venv / "lib"):
            path.mkdir(parents=True)
        (venv / "pyvenv.cfg").write_text("home = /opt/python/bin\ninclude-system-site-packages = false\n")
        version = ".".join(map(str, sys.version_info[:2]))
        (venv / "bin" / "python").symlink_to(f"/opt/python/bin/python{version}")
        for name in COMMANDS:
            _, _, script = (Path(sys.executable).parent / name).read_text().partition("\n")
            command = venv / "bin" / name
            command.write_text(f"#!/opt/shopcallbacks/.venv/bin/python\n{script}")
            command.chmod(0o755)

    @property
    def _inside(self) -> psutil.Process | None:
        """Its first process."""
        if self._outside is None:
            return None
        assert self._outside.poll() is None, self.log("boot")
        return next(iter(self._outside.children()), None)

    def systemctl(self, *arguments: str) -> str:
        """What it says. Returns once it is done."""
        inside = self._inside
        assert inside is not None
        enter = ["nsenter", f"--target={inside.pid}", "--mount", "--pid", "--cgroup", "systemctl"]
        done = subprocess.run([*enter, *arguments], capture_output=True, text=True, timeout=120)
        return (done.stdout + done.stderr).strip()

    def log(self, name: str) -> str:
        return (self._folder / "log" / name).read_text(errors="replace")

    def logs(self) -> str:
        """The last words of everything that runs on it."""
        found = sorted((self._folder / "log").iterdir())
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}" for path in found)

    def end(self) -> None:
        """At once. With its first process all others end, and its namespaces."""
        if self._outside is not None:
            for process in self._outside.children():
                process.kill()
            self._outside.wait(30)
        for path in self._cgroups:
            for below in sorted(path.glob("**/"), reverse=True):
                below.rmdir()
