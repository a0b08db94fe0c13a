"""Behind PgBouncer in transaction mode, where each transaction may have another session."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from dev.services import HOST, Postgres, Server, _not_as_root, tied
from shopcallbacks import create_app, jobs
from shopcallbacks.cli.doctor import LIMITS
from shopcallbacks.domain.states import OrderState
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role
from tests.conftest import ROLE, Client
from tests.factories import log_in, make_account, make_order, make_user, message, process, request_for
from tests.processes import ROOT

PROGRAM = shutil.which("pgbouncer")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no pgbouncer on this machine: apt install pgbouncer")

SETTINGS = """
[databases]
test = host={host} port={behind} dbname=test
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
"""


class PgBouncer(Server):
    name = "PgBouncer"
    polite, firm = signal.SIGTERM, signal.SIGKILL

    def __init__(self, folder: Path, behind: int) -> None:
        super().__init__(folder)
        self._behind = behind

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}@{HOST}:{self.port}/test"

    def command(self) -> list[str]:
        assert PROGRAM is not None
        return [*_not_as_root(), *tied(self.polite), PROGRAM, str(self.folder / "settings")]

    def prepare(self) -> None:
        users = self.folder / "users"
        users.write_text(f'"{ROLE}" ""\n')
        written = SETTINGS.format(host=HOST, port=self.port, behind=self._behind, users=users)
        (self.folder / "settings").write_text(written)
        for path in (self.folder, users, self.folder / "settings"):
            os.chmod(path, 0o755)

    def ready(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture
def role(postgres_server: Postgres) -> Iterator[None]:
    """It has the limits that docs/operate.md gives it."""
    page = (ROOT / "docs" / "operate.md").read_text()
    wanted = re.findall(rf"^ALTER ROLE {ROLE} SET .*;$", page, re.MULTILINE)
    assert len(wanted) > len(LIMITS)
    with psycopg.connect(f"postgresql://postgres@{HOST}:{postgres_server.port}/test", autocommit=True) as connection:
        for statement in wanted:
            connection.execute(statement)
        yield
        connection.execute(f"ALTER ROLE {ROLE} RESET ALL")


@pytest.fixture
def pooled(
    app: Flask, role: None, environ: dict[str, str], postgres_server: Postgres, tmp_path: Path
) -> Iterator[Flask]:
    """The app, all of whose connections go through it."""
    pooler = PgBouncer(tmp_path / "pgbouncer", postgres_server.port)
    pooler.start()
    settings = {**environ, "DATABASE_URL": pooler.url, "DATABASE_POOLER": "1"}
    found = create_app(settings, TESTING=True, WTF_CSRF_ENABLED=False)
    found.test_client_class = Client
    try:
        with found.app_context():
            yield found
            db.session.remove()
            db.engine.dispose()
    finally:
        for name in ("bell", "counters", "door", "ask"):
            found.extensions[name].close()
        pooler.stop()


def test_callbacks_become_orders_and_every_screen_is_shown_over_and_over(pooled: Flask) -> None:
    """More often than a statement is sent before it is prepared, over more connections than there are sessions."""
    account = make_account()
    client = log_in(pooled.test_client(), make_user(Role.manager, account.shop))
    for _ in range(8):
        order = make_order(account.shop)
        request = request_for(account, message(order))
        sent = client.post(account.callback_path, data=request.body, headers=dict(request.headers))
        assert sent.status_code == 200
        process()
        assert order.state is OrderState.open
        for path in ("/", "/callbacks?tab=all", "/callbacks.csv?tab=all", "/orders", "/activity", "/health", "/readyz"):
            assert client.get(path).status_code == 200, path
    for _ in range(3):
        jobs.sweep(False)
        jobs.upkeep()
        jobs.sweep_outgoing()
        jobs.index()


def test_the_doctor_says_that_the_limits_are_there(pooled: Flask) -> None:
    assert "database limits: well" in pooled.test_cli_runner().invoke(args=["doctor"]).output
