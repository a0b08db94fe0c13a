"""Settings: a missing or bad one stops the start with a sentence saying which and why."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
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
        ("REDIS_URL", "redis+sentinel://localhost:26379/main/0"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("SECRET_KEY", "abcabcabcabcabcabcabc"),
        ("SECRET_KEY", "5f0c1b2a9d3e4f60718293a4b5c6d7e8,short"),
        ("SECRET_KEY", ","),
        ("SESSION_IDLE_MINUTES", "0"),
        ("SESSION_IDLE_MINUTES", "a while"),
        ("SESSION_HOURS", "100000"),
        ("SECRETS_KEY", "not a key"),
        ("SECRETS_KEY", ","),
        ("PUBLIC_URL", "callbacks.example.com"),
        ("TRUSTED_HOPS", "one"),
        ("TRUSTED_HOPS", "-1"),
        ("FOLLOW_SECONDS", "0"),
        ("FOLLOW_SECONDS", "0.5"),
        ("SWEEP_SECONDS", "11"),
        ("DATABASE_POOLER", "yes"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "aaaaaaaaaaaaaaaaaaaaaaaa"),
        ("METRICS_TOKEN", "\u00fcber-lang-und-nicht-ascii"),
        ("LOG_FORMAT", "xml"),
        ("OUTGOING_ALLOW_HTTP", "yes"),
        ("OUTGOING_ALLOW_PRIVATE", "true"),
        ("SMTP_URL", "mail.example"),
        ("MAIL_FROM", "nobody"),
        ("OIDC_ISSUER", "id.example.com"),
        ("OIDC_ISSUER", "http://id.example.com"),
        ("GATEWAY_HOSTS", "[]"),
        ("GATEWAY_HOSTS", '{"api.stripe.com": "https://evil.example"}'),
    ],
)
def test_a_bad_setting_is_named_with_the_reason(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} m"):
        read({**environ, name: value})


@pytest.mark.parametrize("missing", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_an_openid_provider_is_refused(environ: dict[str, str], missing: str) -> None:
    whole = {"OIDC_ISSUER": "https://id.example.com/", "OIDC_CLIENT_ID": "us", "OIDC_CLIENT_SECRET": "between us"}
    found = read({**environ, **whole})["OPEN_ID"]
    assert (found.issuer, "between us" in repr(found)) == ("https://id.example.com", False)
    assert read(environ)["OPEN_ID"] is None
    with pytest.raises(ConfigError, match=f"{missing} is not set, and another OIDC_ is"):
        read({**environ, **whole, missing: ""})


def test_sessions_have_limits_that_are_settings(environ: dict[str, str]) -> None:
    config = read({**environ, "SESSION_IDLE_MINUTES": "15"})
    assert (config["SESSION_IDLE"], config["SESSION_LONGEST"]) == (timedelta(minutes=15), timedelta(days=7))


def test_what_an_older_key_signed_still_holds_and_the_newest_signs(environ: dict[str, str]) -> None:
    old, new = "the old key and quite long", "5f0c1b2a9d3e4f60718293a4b5c6d7e8"
    before, after = Flask("before"), Flask("after")
    before.config.update(read({**environ, "SECRET_KEY": old}))
    after.config.update(read({**environ, "SECRET_KEY": f"{new}, {old}"}))
    by_old = SecureCookieSessionInterface().get_signing_serializer(before)
    by_new = SecureCookieSessionInterface().get_signing_serializer(after)
    assert by_old is not None
    assert by_new is not None
    assert by_new.loads(by_old.dumps({"token": "t"})) == {"token": "t"}
    with pytest.raises(BadSignature):
        by_old.loads(by_new.dumps({}))


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
    of_the_web_server = re.findall(r'environ\.get\(["\'](\w+)', (ROOT / "gunicorn.conf.py").read_text())
    assert {"HOST", "PORT"} <= set(of_the_web_server)
    assert [name for name in [*SETTINGS, *of_the_web_server] if f"\n{name}=" not in example] == []


def test_every_session_in_the_database_has_its_limits(environ: dict[str, str]) -> None:
    wanted = {
        "statement_timeout": "15s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
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
