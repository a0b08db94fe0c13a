"""The product as it runs: PostgreSQL, Redis, web and workers in processes of their own, started again when they die."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
from cryptography.fernet import Fernet
from honcho.environ import parse_procfile

from .. import SIMULATED_HOSTS
from ..services import Postgres, Redis, create_database, free_port, libpq, tied
from .disk import Disk
from .stories import Account

ROOT = Path(__file__).resolve().parent.parent.parent
RESTART_S = 0.5
PASSWORD = "correct horse of a run"
WRONG = {
    "stripe": {"signing_secrets": ["whsec_wrong"]},
    "adyen": {"hmac_keys": ["00" * 32]},
    "liqpay": {"private_keys": ["wrong"]},
    "paypal_ipn": {},
}
CURRENCIES = {"liqpay": "UAH"}


class Part:
    """One process of the product, kept running until told otherwise."""

    def __init__(self, name: str, command: str, env: Mapping[str, str], folder: Path) -> None:
        self.name, self._command, self._log = name, shlex.split(command), folder / f"{name}.log"
        self.clock = folder / f"{name}.clock"
        self._env = {**env, "CHAOS_CLOCK": str(self.clock)}
        self.process: psutil.Popen | None = None
        self._born = 0.0
        self._wanted = True

    def keep(self) -> None:
        """Starts it where it is not there."""
        if not self._wanted or (self.process is not None and self.process.poll() is None):
            return
        if time.monotonic() - self._born < RESTART_S:
            return
        with self._log.open("ab") as log:
            self.process = psutil.Popen(
                [*tied(signal.SIGTERM), *self._command],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._born = time.monotonic()

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            if self.process is not None:
                return list(self.process.children(recursive=True))
        return []

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._wanted = False
        if self.process is None:
            return
        for one in [*self.children(), self.process]:
            with contextlib.suppress(psutil.Error):
                one.resume()
        with contextlib.suppress(psutil.Error):
            self.process.send_signal(number)
        try:
            self.process.wait(30)
        except psutil.TimeoutExpired:
            for one in [*self.children(), self.process]:
                with contextlib.suppress(psutil.Error):
                    one.kill()


class Stage:
    """All of it. `accounts`, `api_token` and `manager` are what the outside knows."""

    def __init__(self, folder: Path, hosts: str, hook: str, plant: str = "") -> None:
        self.folder, self.plant, self._hook = folder, plant, hook
        self.disk = Disk(folder / "postgres")
        self.postgres, self.redis = Postgres(folder / "postgres"), Redis(folder / "redis")
        self.postgres.log = folder / "postgresql.log"  # not on the disk, which is full at times and gone at the end
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.accounts: tuple[Account, ...] = ()
        self.api_token = ""
        self.manager = ("manager@chaos.example", PASSWORD)
        self._hosts = hosts
        self.parts: list[Part] = []
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self.database = ""
        self._lines = threading.local()

    @contextlib.contextmanager
    def running(self) -> Iterator[Stage]:
        with self.disk, self._begun():
            yield self

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        try:
            self.postgres.start()
            self.redis.start()
            url = create_database(self.postgres.url, "chaos")
            self.database = libpq(url)
            self._env = self._environment(url)
            assert self.command("db", "upgrade")
            self._seed()
            self._cast()
            self._keeper.start()
            self._until_up()
            yield
        finally:
            self._over.set()
            if self._keeper.is_alive():
                self._keeper.join()
            self.redis.stop()
            self.postgres.stop()

    def _environment(self, url: str) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DATABASE_URL": url.replace("postgresql+psycopg", "postgresql"),
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": "only for the chaos run and only for it",
            "SECRETS_KEY": Fernet.generate_key().decode(),
            "PUBLIC_URL": self.url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "SWEEP_SECONDS": "1",
            "OUTGOING_ALLOW_HTTP": "1",
            "OUTGOING_ALLOW_PRIVATE": "1",
            "GATEWAY_HOSTS": json.dumps(dict.fromkeys(SIMULATED_HOSTS, self._hosts)),
            "CHAOS_PLANT": self.plant,
        }

    def _cast(self) -> None:
        lines = parse_procfile((ROOT / "Procfile").read_text()).processes
        web, worker = lines["web"].replace("app:app", "dev.chaos.host:app"), "python -m dev.chaos.host"
        named = [("web", web), ("worker 1", worker), ("worker 2", worker)]
        self.parts = [Part(name, line, self._env, self.folder) for name, line in named]

    def _seed(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "dev.chaos.seed", self._hook, PASSWORD],
            cwd=ROOT,
            env=self._env,
            check=True,
            stdout=subprocess.PIPE,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        self.api_token = told["api_token"]
        self.accounts = tuple(
            Account(name, path, settings, {**settings, **WRONG[name]}, CURRENCIES.get(name, "EUR"))
            for name, path, settings in told["accounts"]
        )

    def _keep(self) -> None:
        """Starts and ends them, from one thread: they are tied to the life of the one that started them."""
        try:
            while not self._over.wait(0.1):
                for part in self.parts:
                    part.keep()
        finally:
            for part in self.parts:
                part.end()

    def _until_up(self) -> None:
        until = time.monotonic() + 60
        while not self.healthy():
            if time.monotonic() > until:
                raise TimeoutError((self.folder / "web.log").read_text()[-2000:])
            time.sleep(0.1)

    def healthy(self) -> bool:
        from .clients import send

        return send(self.url, "GET", "/health", (), b"")[0] == "200"

    def command(self, *arguments: str) -> bool:
        """`flask ...`; whether it went."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments], cwd=ROOT, env=self._env, capture_output=True
        )
        return done.returncode == 0

    def part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def ask(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """From outside, straight from the database; by each thread's own connection, which may have died since."""
        try:
            return self._line().execute(query, parameters).fetchall()
        except psycopg.OperationalError:
            return self._line(anew=True).execute(query, parameters).fetchall()

    def _line(self, anew: bool = False) -> psycopg.Connection[Any]:
        kept: psycopg.Connection[Any] | None = getattr(self._lines, "kept", None)
        if kept is None or kept.closed or anew:
            if kept is not None:
                kept.close()
            kept = self._lines.kept = psycopg.connect(self.database, autocommit=True, connect_timeout=5)
        return kept

    def waiting_on(self, number: str) -> tuple[int, str] | None:
        """The callback of that order that waits for a person, and why; 0 while none does; None once all are done."""
        free = "due_at IS NULL OR due_kind = 'automatic'"
        query = f"SELECT id, state, reason, {free} FROM callbacks WHERE order_number = %s"
        try:
            rows = self.ask(query, (number,))
        except psycopg.Error:
            return 0, ""
        if rows and all(state == "processed" for _, state, _, _ in rows):
            return None
        return next(((id_, reason) for id_, state, reason, free in rows if state == "unprocessed" and free), (0, ""))
