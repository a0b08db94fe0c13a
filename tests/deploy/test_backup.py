"""`deploy/backup`: a back-up that can't be put back is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from flask import Flask
from sqlalchemy import text

from dev.services import POSTGRES_BIN, libpq
from shopcallbacks import ROOT
from shopcallbacks.extensions import db

# A disk that loses what was written last: `pg_dump` ends well.
HALF = """\
#!/bin/sh
cp "{dump}" "${{2#--file=}}"
"""


def back_up(url: str, folder: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{programs}:{POSTGRES_BIN}:{os.environ['PATH']}", "DATABASE_URL": url}
    env.pop("MIGRATION_DATABASE_URL", None)
    return subprocess.run([ROOT / "deploy/backup", folder], env=env, capture_output=True, text=True)


def test_every_address_that_the_product_takes_is_backed_up(app: Flask, tmp_path: Path) -> None:
    bare = libpq(app.config["SQLALCHEMY_DATABASE_URI"]).partition("://")[2]
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        folder = tmp_path / scheme
        folder.mkdir()
        made = back_up(f"{scheme}://{bare}", folder, tmp_path)
        assert made.returncode == 0, made.stderr
        assert Path(made.stdout.strip()).stat().st_size > 0


def test_a_back_up_that_can_not_be_read_to_its_end_fails(app: Flask, tmp_path: Path) -> None:
    body = "SELECT decode(repeat(md5(n::text), 100), 'hex') FROM generate_series(1, 300) n".replace("::", "\\:\\:")
    db.session.execute(text(f"INSERT INTO probes (body) {body}"))
    db.session.commit()
    url, folder, programs = libpq(app.config["SQLALCHEMY_DATABASE_URI"]), tmp_path / "kept", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    whole = back_up(url, folder, programs)
    assert whole.returncode == 0, whole.stderr
    kept = Path(whole.stdout.strip())
    dump = tmp_path / "half.dump"
    dump.write_bytes(kept.read_bytes()[: kept.stat().st_size * 8 // 10])
    kept.unlink()
    (programs / "pg_dump").write_text(HALF.format(dump=dump))
    (programs / "pg_dump").chmod(0o700)
    assert back_up(url, folder, programs).returncode != 0
    assert list(folder.glob("*.dump")) == []
