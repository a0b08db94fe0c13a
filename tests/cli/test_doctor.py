"""`flask doctor`: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import pytest
from flask import Flask

from shopcallbacks.bells import Bell
from shopcallbacks.cli.doctor import LIMITS
from shopcallbacks.config import SmtpServer
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.mail import Mailer
from shopcallbacks.release import RELEASE, VERSION

from ..conftest import PATIENCE_S
from ..factories import make_account


def doctor(app: Flask, code: int) -> dict[str, str]:
    """What it says of each thing."""
    result = app.test_cli_runner().invoke(args=["doctor"])
    db.session.expire_all()
    assert result.exit_code == code, result.output
    version, *lines = result.output.splitlines()
    assert version == f"shopcallbacks {VERSION}, release {RELEASE}"
    return dict(line.split(": ", 1) for line in lines)


@pytest.fixture
def healthy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """All is well but the role, which owns the tables here."""
    Pulse.beat("callbacks")
    Pulse.beat("asking")
    db.session.commit()
    server = SmtpServer.read("smtps://a:b@mail.example")
    monkeypatch.setitem(app.extensions, "mailer", Mailer(server, "a@shop.example"))
    monkeypatch.setitem(LIMITS, "idle_in_transaction_session_timeout", f"{PATIENCE_S // 3600}h")
    return app


def test_what_is_well_is_said_to_be(healthy: Flask) -> None:
    told = doctor(healthy, code=1)
    role = told.pop("database role")
    assert set(told.values()) == {"well"}
    assert role.startswith("the role owns the tables, so it could drop them")


def test_a_month_to_come_without_its_part_is_told(healthy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("shopcallbacks.cli.doctor")  # where the command stands that has its name
    monkeypatch.setattr(module, "utcnow", lambda: datetime(2041, 12, 31, tzinfo=UTC))
    assert doctor(healthy, code=1)["requests"].startswith("no part for 2042-01: the worker makes it ahead of time")


def test_what_is_wrong_is_told_with_what_to_do(healthy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_account().secrets[0].ciphertext = b"of a key that is gone"
    newest = db.session.scalar(db.text("SELECT version_num FROM alembic_version"))
    db.session.execute(db.text("DELETE FROM pulses"))
    db.session.execute(db.text("UPDATE alembic_version SET version_num = '0009'"))
    db.session.commit()
    monkeypatch.setitem(healthy.config, "PUBLIC_URL", "http://callbacks.example.com")
    monkeypatch.setitem(healthy.config, "REDIS_URL", "redis://redis.example:6379/0")
    monkeypatch.setitem(healthy.extensions, "mailer", Mailer(None, "a@shop.example"))
    monkeypatch.setitem(healthy.extensions, "bell", Bell("redis://127.0.0.1:1/0"))
    try:
        result = healthy.test_cli_runner().invoke(args=["doctor"])
    finally:
        db.session.rollback()
        db.session.execute(db.text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
        db.session.commit()
    for sentence in (
        f"migrations: at 0009, not at {newest}: run",
        "redis: it does not answer",
        "redis: no password in REDIS_URL",
        "worker: not seen for a while",
        "secrets: 1 can't be read",
        "address: PUBLIC_URL is not https",
        "mail: SMTP_URL is not set",
    ):
        assert sentence in result.output, sentence


def test_a_database_that_a_later_release_migrated_is_well(healthy: Flask) -> None:
    newest = db.session.scalar(db.text("SELECT version_num FROM alembic_version"))
    at = db.text("UPDATE alembic_version SET version_num = :at")
    db.session.execute(at, {"at": "9999"})
    db.session.commit()
    try:
        assert doctor(healthy, code=1)["migrations"] == "well"
    finally:
        db.session.execute(at, {"at": newest})
        db.session.commit()


def test_a_session_without_the_limits_it_should_have_is_told(healthy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "lock_timeout", "3s")
    told = doctor(healthy, code=1)["database limits"]
    assert told == "lock_timeout is 10s, not 3s: see Behind PgBouncer in docs/operate.md"


def test_behind_a_pooler_the_role_limits_statements_too(healthy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(healthy.config, "DATABASE_POOLER", True)
    told = doctor(healthy, code=1)["database limits"]
    assert told == "statement_timeout is 0, not 1min: see Behind PgBouncer in docs/operate.md"
