"""Settings, from the environment. A missing or bad one stops the start with a sentence saying which and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.fernet import Fernet

from .words.formats import ADDRESS


class ConfigError(Exception):
    """The sentences to print before giving up."""


def _database(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in ("postgres", "postgresql", "postgresql+psycopg") or not rest:
        raise ValueError("must be a PostgreSQL address, postgresql://user:password@host:port/database")
    return f"postgresql+psycopg://{rest}"


def _database_if_any(value: str) -> str:
    return _database(value) if value else ""


def _redis(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be a Redis address, redis://host:port/0")
    return value


def _secret_keys(value: str) -> list[str]:
    keys = [key.strip() for key in value.split(",") if key.strip()]
    if not keys or any(len(key) < 16 or len(set(key)) < 8 for key in keys):
        raise ValueError(
            "must be one or more keys, newest first, divided by commas, each of at least 16 characters, 8 of them "
            "different; make one with: openssl rand -hex 32"
        )
    return keys


def _fernet_keys(value: str) -> list[str]:
    keys = [key.strip() for key in value.split(",") if key.strip()]
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = []
    if not keys:
        raise ValueError(
            "must be one or more Fernet keys, newest first, divided by commas; make one with: "
            "head -c 32 /dev/urandom | base64 | tr '+/' '-_'"
        )
    return keys


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be the address the gateways reach, https://callbacks.example.com")
    return value.rstrip("/")


def _whole(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _seconds(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isdecimal() or not 1 <= int(value) <= most:
            raise ValueError(f"must be a whole number of seconds, 1 to {most}")
        return int(value)

    return read


def _time(unit: str, most: int) -> Callable[[str], timedelta]:
    def read(value: str) -> timedelta:
        if not value.isdecimal() or not 1 <= int(value) <= most:
            raise ValueError(f"must be a whole number of {unit}, 1 to {most}")
        return timedelta(**{unit: int(value)})

    return read


def _yes_or_no(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1")
    return value == "1"


def _smtp(value: str) -> SmtpServer | None:
    return SmtpServer.read(value) if value else None


def _token(value: str) -> str:
    if value and (len(value) < 16 or len(set(value)) < 8 or not value.isascii() or not value.isprintable()):
        raise ValueError("must be at least 16 plain characters, 8 of them different: openssl rand -hex 32")
    return value


def _log_format(value: str) -> str:
    if value not in ("text", "json"):
        raise ValueError("must be text or json")
    return value


def _issuer(value: str) -> str:
    if value and not (value.startswith("https://") or (value.startswith("http://") and is_local(value))):
        raise ValueError("must be the https address of an OpenID provider, without /.well-known/...")
    return value.rstrip("/")


def _sender(value: str) -> str:
    if value and not ADDRESS.fullmatch(value):
        raise ValueError("must be an e-mail address, alerts@shop.example")
    return value


def is_local(url: str) -> bool:
    """It names this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _gateway_hosts(value: str) -> dict[str, str]:
    try:
        hosts = json.loads(value)
        loopback = all(is_local(url) for url in hosts.values())
    except (ValueError, AttributeError, TypeError):
        raise ValueError('must be a JSON object, {"api.example.com": "http://127.0.0.1:9"}') from None
    if not loopback:
        raise ValueError("may only send a gateway's host to this machine; it is for the demo and for tests")
    return dict(hosts)


REPLICA = "replica"  # its engine, beside the one of all else

# name in the environment: (name in the app's configuration, how to read it, default or None where it is needed)
SETTINGS: dict[str, tuple[str, Callable[[str], Any], str | None]] = {
    "DATABASE_URL": ("SQLALCHEMY_DATABASE_URI", _database, None),
    "MIGRATION_DATABASE_URL": ("MIGRATION_DATABASE_URI", _database_if_any, ""),
    "DATABASE_POOLER": ("DATABASE_POOLER", _yes_or_no, "0"),
    "READ_DATABASE_URL": ("READ_DATABASE_URI", _database_if_any, ""),
    "READ_LAG_SECONDS": ("READ_LAG", _time("seconds", most=60), "5"),
    "REDIS_URL": ("REDIS_URL", _redis, None),
    "SECRET_KEY": ("SECRET_KEYS", _secret_keys, None),
    "SECRETS_KEY": ("SECRETS_KEYS", _fernet_keys, None),
    "PUBLIC_URL": ("PUBLIC_URL", _public_url, None),
    "TRUSTED_HOPS": ("TRUSTED_HOPS", _whole, "0"),
    "SESSION_IDLE_MINUTES": ("SESSION_IDLE", _time("minutes", most=30 * 24 * 60), str(12 * 60)),
    "SESSION_HOURS": ("SESSION_LONGEST", _time("hours", most=90 * 24), str(7 * 24)),
    "MAX_CALLBACK_BYTES": ("MAX_CALLBACK_BYTES", _whole, str(1024 * 1024)),
    "API_PER_MINUTE": ("API_PER_MINUTE", _whole, "6000"),
    "NOT_GENUINE_AN_HOUR": ("NOT_GENUINE_AN_HOUR", _whole, "1000"),
    "STATEMENT_SECONDS": ("STATEMENT_SECONDS", _whole, "0"),
    "FOLLOW_SECONDS": ("FOLLOW_SECONDS", _seconds(most=60), "5"),
    "SWEEP_SECONDS": ("SWEEP_SECONDS", _seconds(most=10), "5"),  # a worker not seen for 20 s counts as gone
    "METRICS_TOKEN": ("METRICS_TOKEN", _token, ""),
    "LOG_FORMAT": ("LOG_FORMAT", _log_format, "text"),
    "OUTGOING_ALLOW_HTTP": ("OUTGOING_ALLOW_HTTP", _yes_or_no, "0"),
    "OUTGOING_ALLOW_PRIVATE": ("OUTGOING_ALLOW_PRIVATE", _yes_or_no, "0"),
    "SMTP_URL": ("SMTP_SERVER", _smtp, ""),
    "MAIL_FROM": ("MAIL_FROM", _sender, ""),
    "OIDC_ISSUER": ("OIDC_ISSUER", _issuer, ""),
    "OIDC_CLIENT_ID": ("OIDC_CLIENT_ID", str, ""),
    "OIDC_CLIENT_SECRET": ("OIDC_CLIENT_SECRET", str, ""),
    "OIDC_TITLE": ("OIDC_TITLE", str, "your company's log-in"),
    "GATEWAY_HOSTS": ("GATEWAY_HOSTS", _gateway_hosts, "{}"),
}


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """The app's configuration; `ConfigError` naming every setting that is missing or bad."""
    config: dict[str, Any] = {}
    problems = []
    for name, (key, reader, default) in SETTINGS.items():
        value = environ.get(name) or default
        if value is None:
            problems.append(f"{name} is not set. See .env.example for what it is.")
            continue
        try:
            config[key] = reader(value)
        except ValueError as error:
            problems.append(f"{name} {error}.")
    together = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    if missing := [name for name in together if not environ.get(name)]:
        problems += [f"{name} is not set, and another OIDC_ is." for name in missing if len(missing) < len(together)]
    if problems:
        raise ConfigError("\n".join(problems))
    return config | fixed(config)


def fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the settings, and what is not for setting."""
    secure = config["PUBLIC_URL"].startswith("https://")
    engine = _engine(config)
    away_soon = {"pool_timeout": 1, "connect_args": {**engine["connect_args"], "connect_timeout": 2}}
    replica = {"url": config["READ_DATABASE_URI"], **engine, **away_soon}
    return {
        "OPEN_ID": OpenId.of(config) if config["OIDC_ISSUER"] else None,
        "SECRET_KEY": config["SECRET_KEYS"][0],
        "SECRET_KEY_FALLBACKS": config["SECRET_KEYS"][1:],
        "MAIL_FROM": config["MAIL_FROM"] or f"shopcallbacks@{urlsplit(config['PUBLIC_URL']).hostname}",
        "MIGRATION_DATABASE_URI": config["MIGRATION_DATABASE_URI"] or config["SQLALCHEMY_DATABASE_URI"],
        "SQLALCHEMY_ENGINE_OPTIONS": engine,
        "SQLALCHEMY_BINDS": {REPLICA: replica} if config["READ_DATABASE_URI"] else {},
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "PERMANENT_SESSION_LIFETIME": config["SESSION_LONGEST"],  # how old a cookie may be; the rest is the session's
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a panel left open over night still works
        # Only what is the same for everybody: a compressed page tells its length, and that could tell a secret.
        "COMPRESS_MIMETYPES": ["text/css", "text/javascript", "application/javascript"],
    }


def _engine(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hide_parameters": True,  # errors would quote callbacks
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": 8,
        "pool_timeout": 5,
        "connect_args": {
            "connect_timeout": 5,
            **_for_sessions(config),
            # A database that vanished without a word is given up after half a minute, by us as by it.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
    }


def _for_sessions(config: Mapping[str, Any]) -> dict[str, Any]:
    """Behind a pooler no session is ours for longer than a transaction: it has the limits of the role, and what one
    session prepared another does not know.
    """
    if config["DATABASE_POOLER"]:
        return {"prepare_threshold": None}
    return {"options": _options(config["STATEMENT_SECONDS"])}


def _options(statement_s: int) -> str:
    """What PostgreSQL holds each of our sessions to, so that nobody waits for long for one that stands still."""
    limits = {
        "timezone": "UTC",
        "statement_timeout": f"{statement_s}s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
        "tcp_keepalives_idle": 15,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
        "jit": "off",  # what it compiles runs for milliseconds, and costs more than that
        # One processor for a statement: to begin with a second costs what it saves, and gateways need it.
        "max_parallel_workers_per_gather": 0,
    }
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


@dataclass(frozen=True)
class OpenId:
    """The provider that people may log in with. `title`: what stands on the button, "Log in with ..."."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    title: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> OpenId:
        names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_TITLE")
        return cls(*(config[name] for name in names))


@dataclass(frozen=True)
class SmtpServer:
    """`tls`: "on" from the first byte, "starttls", or "off" (on the same machine or network, without a password)."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "starttls"

    @classmethod
    def read(cls, url: str) -> SmtpServer:
        """smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465, smtp://host:25?tls=off."""
        parts = urlsplit(url)
        off = parse_qs(parts.query).get("tls") == ["off"]
        tls = "on" if parts.scheme == "smtps" else "off" if off else "starttls"
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or (off and (parts.username or tls == "on")):
            raise ValueError(
                "must be smtp://user:password@host:587, smtps://..., or smtp://host:25?tls=off with no user"
            )
        port = parts.port or (465 if tls == "on" else 587)
        return cls(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls)
