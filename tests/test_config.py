"""Settings: a missing or bad one stops the start with a sentence saying which and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from shopcallbacks import create_app
from shopcallbacks.config import SETTINGS, ConfigError, read
from shopcallbacks.extensions import db

ROOT = Path(__file__).parent.parent


def test_the_settings_of_the_tests_are_good(environ: dict[str, str]) -> None:
    config = read(environ)
    assert config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql+psycopg://")
    assert (config["TRUSTED_HOPS"], config["MAX_CALLBACK_BYTES"]) == (0, 1048576)


@pytest.mark.parametrize("name", [name for name, (_, _, default) in SETTINGS.items() if default is None])
def test_a_missing_setting_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        read({key: value for key, value in environ.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///x"),
        ("DATABASE_URL", "postgres"),
        ("REDIS_URL", "localhost:6379"),
        ("SECRET_KEY", "short"),
        ("SECRETS_KEY", "not a key"),
        ("SECRETS_KEY", ","),
        ("PUBLIC_URL", "callbacks.example.com"),
        ("TRUSTED_HOPS", "one"),
        ("TRUSTED_HOPS", "-1"),
        ("FOLLOW_SECONDS", "0"),
        ("FOLLOW_SECONDS", "0.5"),
        ("SWEEP_SECONDS", "11"),
        ("OUTGOING_ALLOW_HTTP", "yes"),
        ("OUTGOING_ALLOW_PRIVATE", "true"),
        ("SMTP_URL", "mail.example"),
        ("MAIL_FROM", "nobody"),
        ("GATEWAY_HOSTS", "[]"),
        ("GATEWAY_HOSTS", '{"api.stripe.com": "https://evil.example"}'),
    ],
)
def test_a_bad_setting_is_named_with_the_reason(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} m"):
        read({**environ, name: value})


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        read({})
    assert len(str(error.value).splitlines()) == 5


def test_the_start_ends_with_the_sentence_and_no_traceback() -> None:
    environ = {"PATH": os.environ["PATH"]}
    run = subprocess.run([sys.executable, "-c", "import app"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert run.returncode == 1
    assert "DATABASE_URL is not set" in run.stderr
    assert "Traceback" not in run.stderr


def test_every_setting_is_explained_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    assert [name for name in SETTINGS if f"{name}=" not in example] == []


def test_every_session_in_the_database_has_its_limits(environ: dict[str, str]) -> None:
    wanted = {
        "statement_timeout": "15s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
    }
    app = create_app({**environ, "STATEMENT_SECONDS": "15"})
    with app.app_context(), db.engine.connect() as connection:
        assert {name: connection.scalar(text(f"SHOW {name}")) for name in wanted} == wanted
    with app.app_context():
        db.engine.dispose()


def test_no_log_says_what_a_statement_was_about(environ: dict[str, str]) -> None:
    app = create_app(environ)
    with app.app_context(), db.engine.connect() as connection:
        with pytest.raises(DataError) as error:
            connection.execute(text("SELECT CAST(:what AS integer)"), {"what": "4111111111111111x"})
        assert "parameters hidden" in str(error.value)
    with app.app_context():
        db.engine.dispose()
