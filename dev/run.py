"""Everything on this machine, with a demo shop: `make run`, or `python -m dev.run --help`.

PostgreSQL and Redis (where DATABASE_URL and REDIS_URL name none), the Procfile's own processes, and demo traffic.
Ctrl-C ends them in the opposite order. What is kept lies under var/: data, secrets, logs.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet
from honcho.environ import parse, parse_procfile

from . import SIMULATED_HOSTS
from .processes import CannotRun, Env, Process, interrupt_when_told, once
from .services import ServiceError, create_database, free_port, libpq, postgres, redis

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
LOGS = VAR / "log"
DEMO = VAR / "demo.json"
UNTIL_UP_S = 30.0


def main() -> int:
    options = _options()
    os.chdir(ROOT)
    VAR.mkdir(exist_ok=True)
    interrupt_when_told()
    try:
        with _alone() as lock, contextlib.ExitStack() as stack:
            _run(options, lock, stack)
    except (CannotRun, ServiceError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The data are kept.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.run", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--demo", type=_rate, default=1.0, metavar="on|off|RATE", help="orders a second (1)")
    parser.add_argument("--mix", default="default", help="of the demo traffic; see python -m dev.traffic --help")
    parser.add_argument("--port", type=int, help="the first port to try (PORT, else 5000)")
    return parser.parse_args()


def _rate(text: str) -> float:
    known = {"on": 1.0, "off": 0.0}
    try:
        rate = known[text] if text in known else float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1000:
        raise argparse.ArgumentTypeError("on, off, or how many orders a second, up to 1000")
    return rate


def _run(options: argparse.Namespace, lock: Path, stack: contextlib.ExitStack) -> None:
    print("Starting ...", flush=True)
    env = _environment()
    wanted_port = options.port or int(env.get("PORT") or 5000)
    port = free_port(wanted_port)
    url = f"http://127.0.0.1:{port}"
    env["PORT"] = str(port)
    env.setdefault("PUBLIC_URL", url)
    _services(env, stack)
    lines = parse_procfile((ROOT / "Procfile").read_text()).processes
    _keep_for_the_shell(env)
    del lines["release"]  # done with the seeding: to load the app is most of either
    once("seed", "flask --app app demo seed --upgrade", env, LOGS)
    has_demo = is_demo_of(DEMO, env["DATABASE_URL"])
    rate, gateways_port = options.demo if has_demo else 0.0, free_port()
    if rate:
        env.setdefault("GATEWAY_HOSTS", _simulated_gateways(gateways_port))
    lock.write_text(url)

    # What starts last stops first.
    running = [stack.enter_context(Process(name, lines[name], env, LOGS)) for name in reversed(lines)]
    _wait_for(url, running)
    traffic = None
    if rate:
        traffic = stack.enter_context(_traffic(url, options, gateways_port, env))
    if port != wanted_port:
        print(f"Port {wanted_port} is busy, so it is {port}.")
    print(_welcome(url, rate, has_demo), flush=True)
    names = [process.name for process in (traffic, *reversed(running)) if process]
    stack.callback(print, f"\nStopping {', '.join(names)} ...", flush=True)
    while True:
        time.sleep(0.3)
        for process in running:
            process.show_trouble()
            process.must_run()
        if traffic:
            traffic.show_trouble()
            if traffic.ended:
                print(traffic.last_words, flush=True)
                traffic = None


def _traffic(url: str, options: argparse.Namespace, gateways_port: int, env: Env) -> Process:
    command = [sys.executable, "-m", "dev.traffic", "--url", url, "--rate", str(options.demo), "--mix", options.mix]
    command += ["--demo", str(DEMO), "--gateways-port", str(gateways_port)]
    return Process("traffic", shlex.join(command), env, LOGS)


# What is needed


def _environment() -> Env:
    """The processes' environment: .env, over it our own, and what neither sets."""
    dotenv = ROOT / ".env"
    env: Env = {**(parse(dotenv.read_text()) if dotenv.exists() else {}), **os.environ}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    env["PYTHONUNBUFFERED"] = "1"
    env["HOST"] = "127.0.0.1"  # many shells export theirs
    env.setdefault("SECRET_KEY", _kept_secret("SECRET_KEY", secrets.token_hex(32)))
    env.setdefault("SECRETS_KEY", _kept_secret("SECRETS_KEY", Fernet.generate_key().decode()))
    return env


def _kept_secret(name: str, new: str) -> str:
    """The secret made at the first run."""
    path = VAR / "secret" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        half_written = path.with_suffix(".new")
        half_written.touch(mode=0o600)
        half_written.write_text(new)
        half_written.rename(path)
    return path.read_text()


def _services(env: Env, stack: contextlib.ExitStack) -> None:
    if not env.get("DATABASE_URL"):
        server = stack.enter_context(postgres(VAR / "postgres"))
        env["DATABASE_URL"] = create_database(server.url, "shopcallbacks")
    if not env.get("REDIS_URL"):
        env["REDIS_URL"] = stack.enter_context(redis(VAR / "redis")).url


def is_demo_of(file: Path, database_url: str) -> bool:
    """Whether the file was written when this database was seeded: an account that it names is there.

    The database's address would not tell: our own server has another port each time, and one may have been made anew.
    """
    if not file.exists():
        return False
    tokens = [entry["path"].rpartition("/")[2] for entry in json.loads(file.read_text())["accounts"]]
    with psycopg.connect(libpq(database_url)) as connection:
        return bool(connection.execute("SELECT FROM gateway_accounts WHERE token = ANY(%s)", [tokens]).rowcount)


def _simulated_gateways(port: int) -> str:
    return json.dumps(dict.fromkeys(SIMULATED_HOSTS, f"http://127.0.0.1:{port}"))


def _keep_for_the_shell(env: Mapping[str, str]) -> None:
    """`. var/environment` lets `flask --app app ...` work beside us."""
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRETS_KEY", "PUBLIC_URL", "PATH")
    path = VAR / "environment"
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}={shlex.quote(env[name])}\n" for name in names))


def _wait_for(url: str, running: list[Process]) -> None:
    deadline = time.monotonic() + UNTIL_UP_S
    while not _answers(url):
        for process in running:
            process.must_run()
        if time.monotonic() > deadline:
            raise CannotRun(f"{url} does not answer. See var/log/.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False


# One at a time


@contextlib.contextmanager
def _alone() -> Iterator[Path]:
    """Holds var/run.lock; a second run, and who takes pictures, is told where the first one is."""
    path = VAR / "run.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = path.read_text() or "(it is starting)"
            raise CannotRun(
                f"shopcallbacks is running already: {where}. Stop that one with Ctrl-C in its terminal."
            ) from None
        path.write_text("")
        try:
            yield path
        finally:
            path.write_text("")


# What is said


def _welcome(url: str, rate: float, has_demo: bool) -> str:
    rows = [("Open", url)]
    if has_demo:
        rows.append(("Log in", "manager@demo.example / demo-manager    (or admin@demo.example / demo-admin)"))
    rows += [
        ("Look at", "Dashboard: how many callbacks could not be processed, and the money at stake"),
        ("", "Operations > Callbacks: retry, force, remove, restore"),
        ("Traffic", f"{rate:g} a second: orders, and calls of simulated gateways" if rate else "none"),
        ("Commands", ". var/environment && flask --app app --help"),
        ("Logs", "var/log/"),
        ("Stop", "Ctrl-C (the data are kept)"),
    ]
    rule = "-" * 88
    return "\n".join([rule, "shopcallbacks is running.", "", *(f"  {name:10}{text}" for name, text in rows), rule])


if __name__ == "__main__":
    sys.exit(main())
