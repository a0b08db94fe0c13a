"""Shown by: on a bare machine somebody who knows only the pages connects a shop, takes a payment, loses the worker and
the database, restores a back-up, and finds the order open. Every command stands in the README or in docs/operate.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet

from dev.services import POSTGRES_BIN, Postgres, Redis, create_database, free_port, libpq
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.gateways import GATEWAYS
from tests.examples.running import EXAMPLES
from tests.examples.running import Running as Example
from tests.examples.running import running as example
from tests.processes import ROOT, Site, site, until

SECRET = "whsec_of_the_simulated_gateway"
README, OPERATE = ROOT / "README.md", ROOT / "docs" / "operate.md"


def command(page: Path, start: str, **instead: str) -> str:
    """The page's line that begins so, without its remark; with what the reader puts in place of what stands there."""
    (line,) = {line.partition("  #")[0].strip() for line in page.read_text().splitlines() if line.startswith(start)}
    for name, value in instead.items():
        assert name in line, f"{name} is not in: {line}"
        line = line.replace(name, value)
    return line


@dataclass
class Shell:
    """Where the reader types."""

    environ: Mapping[str, str]

    def run(self, line: str, **more: str) -> str:
        """What it says; its last words where it fails."""
        path = f"{Path(sys.executable).parent}:{POSTGRES_BIN}:{os.environ['PATH']}"
        environ = {**self.environ, **more, "PATH": path}
        done = subprocess.run(["sh", "-ec", line], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()


@contextmanager
def example_shop(running: Site, token: str, folder: Path) -> Iterator[Example]:
    """The one in Flask, on its files in the folder. It follows the feed: nothing can call it here."""
    folder.mkdir(exist_ok=True)
    settings = {
        "SHOPCALLBACKS_URL": running.url,
        "SHOPCALLBACKS_TOKEN": token,
        "SHOPCALLBACKS_SECRETS": "whsec_bm9ib2R5IGNhbGxz",
        "GATEWAY_URL": "https://gateway.example",
    }
    with example(EXAMPLES[0], free_port(), settings, folder) as found:
        yield found


def state_of(number: str, running: Site, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    return str(requests.get(f"{running.url}/api/orders/{number}", headers=headers, timeout=20).json()["state"])


def pay(address: str, number: str) -> int:
    """The customer pays, and the simulated gateway calls. How it is answered."""
    paid = Message(Outcome.paid, number, f"pi_{number}", f"evt_{number}", Money(14900, "EUR"), test=False)
    gateway = GATEWAYS["stripe"]
    settings = {setting.key: setting.default for setting in gateway.settings} | {"signing_secrets": [SECRET]}
    example = gateway.example(settings, paid, utcnow())
    assert example is not None
    headers = dict(example.request.headers)
    return requests.post(address, data=example.request.body, headers=headers, timeout=20).status_code


@pytest.fixture
def machine(postgres_server: Postgres, redis_server: Redis) -> Iterator[dict[str, str]]:
    """A PostgreSQL with two roles (docs/security.md) and an empty database, a Redis, and keys."""
    server = libpq(postgres_server.url)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE ROLE shown_owner LOGIN")
        connection.execute("CREATE ROLE shown LOGIN")
    _new_database(postgres_server, "shown")
    at = f"127.0.0.1:{postgres_server.port}/shown"
    yield {
        "DATABASE_URL": f"postgresql://shown@{at}",
        "MIGRATION_DATABASE_URL": f"postgresql://shown_owner@{at}",
        "REDIS_URL": redis_server.url.replace("/0", "/2"),
        "SECRET_KEY": "5f0c1b2a9d3e4f60718293a4b5c6d7e8",
        "SECRETS_KEY": Fernet.generate_key().decode(),
        "PUBLIC_URL": "http://127.0.0.1:5000",
        "SWEEP_SECONDS": "1",
        "LOG_FORMAT": "json",
    }
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS shown WITH (FORCE)")
        connection.execute("DROP ROLE shown, shown_owner")


def _new_database(server: Postgres, name: str) -> None:
    with psycopg.connect(libpq(create_database(server.url, name)), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} OWNER TO shown_owner")
        connection.execute("ALTER SCHEMA public OWNER TO shown_owner")


def _lose(server: Postgres, name: str) -> None:
    with psycopg.connect(libpq(server.url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def without_the_owner(machine: Mapping[str, str]) -> dict[str, str]:
    """What web and worker are given."""
    return {name: value for name, value in machine.items() if name != "MIGRATION_DATABASE_URL"}


def connect_a_shop(shell: Shell, running: Site) -> tuple[str, str]:
    """As the README says. The API token, and the address that the gateway is told to call."""
    added = shell.run(command(README, "flask --app app shops add toys"))
    line = command(README, "flask --app app gateways add toys")
    address = shell.run(line, SIGNING_SECRETS=SECRET, PUBLIC_URL=running.url).split()[-1]
    shell.run(command(README, "flask --app app users add dana@toys.example") + " --password 'seventeen blue kites'")
    return added.split()[-1], address


def the_way_of(callback: int, running: Site) -> list[str]:
    """What the logs of web and worker, every line of them an object, tell of it."""
    lines = [json.loads(line) for name in ("web", "worker") for line in running.log(name).splitlines()]
    return [line["message"] for line in lines if line.get("callback") == callback]


def test_a_stranger_connects_a_shop_loses_worker_and_database_and_finds_the_order_open(
    machine: dict[str, str], postgres_server: Postgres, tmp_path: Path
) -> None:
    shell = Shell(machine)
    shell.run(command(OPERATE, "flask --app app db upgrade"))

    with site(without_the_owner(machine), tmp_path) as running:
        token, address = connect_a_shop(shell, running)
        assert requests.get(f"{running.url}/readyz", timeout=20).status_code == 200

        with example_shop(running, token, tmp_path / "shop") as shop:
            first, _ = shop.check_out("tent")
            assert pay(address, first) == 200
            until(lambda: state_of(first, running, token) == "open")
            shop.follow()
            assert shop.order(first)["state"] == "open"

            running.kill("worker")
            second, _ = shop.check_out("tent")
            assert pay(address, second) == 200, "kept, though nobody is there to process it"
            assert state_of(second, running, token) == "temporary"

        backup = shell.run(command(OPERATE, "deploy/backup", **{"/var/backups/shopcallbacks": str(tmp_path)}))

    _lose(postgres_server, "shown")
    _new_database(postgres_server, "shown")
    shell.run(command(OPERATE, "pg_restore", **{"shopcallbacks-....dump": backup}))
    shell.run(command(OPERATE, "flask --app app db upgrade"))
    shell.run(command(OPERATE, "flask --app app restored"))
    shell.run(command(OPERATE, "flask --app app secrets check"))

    with site(without_the_owner(machine), tmp_path) as running:
        until(lambda: state_of(second, running, token) == "open")
        assert state_of(first, running, token) == "open"
        with example_shop(running, token, tmp_path / "shop") as shop:
            shop.follow()
            assert [shop.order(number)["state"] for number in (first, second)] == ["open", "open"]
        assert the_way_of(2, running) == ["A callback was kept", "A callback was decided", "An order moved"]
        assert "worker: well" in shell.run(f"{command(OPERATE, 'flask --app app doctor')} || true")
