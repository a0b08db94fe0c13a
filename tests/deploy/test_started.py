"""The units of deploy/systemd, started by a systemd: a callback is processed, and a restart turns nobody away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from dev.services import Postgres, create_database, free_port, libpq
from shopcallbacks import create_app
from shopcallbacks.domain.states import OrderState
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order

from ..conftest import ROLE
from ..e2e.test_restarts import Load
from ..factories import make_account
from ..processes import until
from .machine import Machine, why_not

CALLS = 150
SERVICES = ("shopcallbacks-web.service", "shopcallbacks-worker.service")

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be")


@pytest.fixture
def settings(environ: dict[str, str], postgres_server: Postgres) -> dict[str, str]:
    """Of the product, on a database without tables."""
    with psycopg.connect(libpq(postgres_server.url), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS debian WITH (FORCE)")
    create_database(postgres_server.url, "debian")
    port = str(free_port())
    url = f"postgresql://{ROLE}@127.0.0.1:{postgres_server.port}/debian"
    return {**environ, "DATABASE_URL": url, "PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}"}


@pytest.fixture
def machine(tmp_path: Path, settings: dict[str, str], postgres_server: Postgres) -> Iterator[Machine]:
    owner = {"MIGRATION_DATABASE_URL": settings["DATABASE_URL"].replace(f"{ROLE}@", "postgres@")}
    tmp_path.chmod(0o755)
    found = Machine(tmp_path, {**settings, "LD_LIBRARY_PATH": "/opt/python/lib"}, owner)
    found.install()
    try:
        try:
            found.start()
        except (AssertionError, OSError) as error:
            pytest.skip(f"no systemd starts in a namespace here: {error}")
        yield found
    finally:
        found.end()


def test_web_and_worker_start_and_a_restart_of_both_turns_nobody_away(
    machine: Machine, settings: dict[str, str]
) -> None:
    machine.systemctl("start", "shopcallbacks-release.service")
    assert machine.systemctl("show", "--property=Result", "shopcallbacks-release.service") == "Result=success", (
        machine.logs()
    )
    machine.systemctl("start", "shopcallbacks.target")
    for service in SERVICES:
        assert machine.systemctl("is-active", service) == "active", machine.logs()
    with product_on(settings):
        load = Load(make_account(), lambda: settings["PUBLIC_URL"], CALLS)
        begun = [machine.systemctl("show", "--property=MainPID", service) for service in SERVICES]
        load.start()
        load.after(10)
        assert machine.systemctl("restart", *SERVICES) == ""
        load.end()
        assert set(load.codes) == {200}, machine.logs()
        until(lambda: opened() == CALLS)
        assert not {machine.systemctl("show", "--property=MainPID", service) for service in SERVICES} & set(begun)
    machine.systemctl("stop", "shopcallbacks.target")
    for service in SERVICES:
        until(lambda service=service: machine.systemctl("is-active", service) == "inactive")
        assert machine.systemctl("show", "--property=Result", service) == "Result=success", machine.logs()


@contextmanager
def product_on(settings: dict[str, str]) -> Iterator[None]:
    """Its nouns, on that database."""
    app = create_app(settings)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()
    for name in ("bell", "counters", "door", "ask"):
        app.extensions[name].close()


def opened() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(Order.state == OrderState.open)) or 0
