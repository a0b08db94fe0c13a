"""Demo traffic is for the database that the demo was seeded into, and for no other."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from dev.run import is_demo_of
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
