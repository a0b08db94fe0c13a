"""Demo traffic is for the database that the demo was seeded into, and for no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flask import Flask

from dev.run import ROOT, is_demo_of
from dev.services import Postgres, create_database, libpq
from shopcallbacks.cli.demo import seed
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount


def test_the_demo_is_of_the_database_that_it_was_seeded_into(
    app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    file, url = tmp_path / "demo.json", environ["DATABASE_URL"]
    assert not is_demo_of(file, url)
    seed(file)
    assert not is_demo_of(file, url), "not kept yet"
    db.session.commit()
    assert is_demo_of(file, url)
    for account in db.session.query(GatewayAccount):
        account.token = f"another's {account.id}"
    db.session.commit()
    assert not is_demo_of(file, url)


def test_one_command_makes_an_empty_database_the_demos(
    environ: dict[str, str], postgres_server: Postgres, tmp_path: Path
) -> None:
    url = libpq(create_database(postgres_server.url, "fresh"))
    command = [sys.executable, "-m", "flask", "--app", "app", "demo", "seed", "--upgrade", "--write", "demo.json"]
    environ = {**environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environ, cwd=tmp_path)
    assert is_demo_of(tmp_path / "demo.json", url)
