"""Settings, from the environment. A missing or bad one stops the start with a sentence saying which and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


def _redis(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be a Redis address, redis://host:port/0")
    return value


def _secret_key(value: str) -> str:
    if len(value) < 16:
        raise ValueError("must be at least 16 characters long; make one with: openssl rand -hex 32")
    return value


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


def _yes_or_no(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1")
    return value == "1"


def _smtp(value: str) -> SmtpServer | None:
    return SmtpServer.read(value) if value else None


def _sender(value: str) -> str:
    if value and not ADDRESS.fullmatch(value):
        raise ValueError("must be an e-mail address, alerts@shop.example")
    return value


def _gateway_hosts(value: str) -> dict[str, str]:
    try:
        hosts = json.loads(value)
        loopback = all(urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1") for url in hosts.values())
    except (ValueError, AttributeError, TypeError):
        raise ValueError('must be a JSON object, {"api.example.com": "http://127.0.0.1:9"}') from None
    if not loopback:
        raise ValueError("may only send a gateway's host to this machine; it is for the demo and for tests")
    return dict(hosts)


# name in the environment: (name in the app's configuration, how to read it, default or None where it is needed)
SETTINGS: dict[str, tuple[str, Callable[[str], Any], str | None]] = {
    "DATABASE_URL": ("SQLALCHEMY_DATABASE_URI", _database, None),
    "REDIS_URL": ("REDIS_URL", _redis, None),
    "SECRET_KEY": ("SECRET_KEY", _secret_key, None),
    "SECRETS_KEY": ("SECRETS_KEYS", _fernet_keys, None),
    "PUBLIC_URL": ("PUBLIC_URL", _public_url, None),
    "TRUSTED_HOPS": ("TRUSTED_HOPS", _whole, "0"),
    "MAX_CALLBACK_BYTES": ("MAX_CALLBACK_BYTES", _whole, str(1024 * 1024)),
    "STATEMENT_SECONDS": ("STATEMENT_SECONDS", _whole, "0"),
    "FOLLOW_SECONDS": ("FOLLOW_SECONDS", _seconds(most=60), "5"),
    "SWEEP_SECONDS": ("SWEEP_SECONDS", _seconds(most=10), "5"),  # a worker not seen for 20 s counts as gone
    "OUTGOING_ALLOW_HTTP": ("OUTGOING_ALLOW_HTTP", _yes_or_no, "0"),
    "OUTGOING_ALLOW_PRIVATE": ("OUTGOING_ALLOW_PRIVATE", _yes_or_no, "0"),
    "SMTP_URL": ("SMTP_SERVER", _smtp, ""),
    "MAIL_FROM": ("MAIL_FROM", _sender, ""),
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
    if problems:
        raise ConfigError("\n".join(problems))
    return config | fixed(config)


def fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the settings, and what is not for setting."""
    return {
        "MAIL_FROM": config["MAIL_FROM"] or f"shopcallbacks@{urlsplit(config['PUBLIC_URL']).hostname}",
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": 5,
            "hide_parameters": True,  # what callbacks hold belongs into no log
            "connect_args": {
                "connect_timeout": 5,
                "options": _options(config["STATEMENT_SECONDS"]),
                # A database that vanished without a word is given up after half a minute, by us as by it.
                "keepalives_idle": 15,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
        },
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config["PUBLIC_URL"].startswith("https://"),
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": config["PUBLIC_URL"].startswith("https://"),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a panel left open over night still works
        # Only what is the same for everybody: a compressed page tells its length, and that could tell a secret.
        "COMPRESS_MIMETYPES": ["text/css", "text/javascript", "application/javascript"],
        "RATELIMIT_STORAGE_URI": config["REDIS_URL"],
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # Redis away must not keep managers out
        "RATELIMIT_SWALLOW_ERRORS": True,
    }


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
    }
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


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
