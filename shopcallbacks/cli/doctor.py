"""`flask doctor`: what is wrong with this installation, each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from .. import rights, schema
from ..bells import bell
from ..callbacks.months import Month, is_attached
from ..clock import utcnow
from ..dashboard.pulse import ALIVE_FOR, Pulse
from ..extensions import db
from ..logs import named
from ..outgoing.mark import mark
from ..release import RELEASE, VERSION
from .secrets import count_unreadable

# As sessions of ours ask for them; behind a pooler the role has to have them.
LIMITS = {
    "TimeZone": "UTC",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "1min",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
HERE = ("127.0.0.1", "::1", "localhost", None)


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """What is wrong with this installation, with what to do about it. The exit code is 1 if anything is."""
    click.echo(f"shopcallbacks {VERSION}, release {RELEASE}")
    ill = False
    for name, look in LOOKS.items():
        try:
            found = list(look())
        except SQLAlchemyError as error:
            found = [f"could not be looked at: {named(error)}"]
        db.session.rollback()
        for said in found or ["well"]:
            click.echo(f"{name}: {said}")
        ill = ill or bool(found)
    raise SystemExit(1 if ill else 0)


def _migrations() -> Iterator[str]:
    if schema.behind():
        at, (_, newest) = schema.heads(), schema.known()
        yield f"at {', '.join(at) or 'nothing'}, not at {', '.join(newest)}: run flask --app app db upgrade"


def _role() -> Iterator[str]:
    connection = db.session.connection()
    yield from (f"the role lacks {right}: run flask --app app db upgrade" for right in rights.too_few(connection))
    yield from (f"the role {more}: see Least rights in docs/security.md" for more in rights.too_many(connection))


def _limits() -> Iterator[str]:
    pooled = {"statement_timeout": "1min"} if current_app.config["DATABASE_POOLER"] else {}
    for name, wanted in (LIMITS | pooled).items():
        found = db.session.scalar(text(f"SHOW {name}"))
        if found != wanted:
            yield f"{name} is {found}, not {wanted}: see Behind PgBouncer in docs/operate.md"


def _redis() -> Iterator[str]:
    url = urlsplit(current_app.config["REDIS_URL"])
    if not bell().alive:
        yield "it does not answer: nothing is lost, but all waits for a worker that can't be reached"
    if url.scheme != "unix" and url.hostname not in HERE and not url.password:
        yield "no password in REDIS_URL: who can write to it can keep the workers busy"


def _requests() -> Iterator[str]:
    month = Month.of(utcnow()).next
    if not is_attached(db.session.connection(), month):
        yield f"no part for {month}: the worker makes it ahead of time, is `python worker.py` running?"


def _back_up() -> Iterator[str]:
    if mark().missing():
        yield "an older one was put back, and shops were told more than it knows: run flask --app app restored"


def _worker() -> Iterator[str]:
    seen = Pulse.last()
    if seen is None or utcnow() - seen > ALIVE_FOR:
        yield "not seen for a while: is `python worker.py` running?"


def _secrets() -> Iterator[str]:
    if count := count_unreadable():
        yield f"{count} can't be read with SECRETS_KEY: put back the key they were sealed with"


def _address() -> Iterator[str]:
    url = urlsplit(current_app.config["PUBLIC_URL"])
    if url.scheme != "https" and url.hostname not in HERE:
        yield "PUBLIC_URL is not https: tokens and passwords go over the line in plain"


def _mail() -> Iterator[str]:
    if current_app.extensions["mailer"].server is None:
        yield "SMTP_URL is not set: alerts go out by webhook only"


LOOKS: dict[str, Callable[[], Iterator[str]]] = {
    "migrations": _migrations,
    "database role": _role,
    "database limits": _limits,
    "redis": _redis,
    "requests": _requests,
    "back-up": _back_up,
    "worker": _worker,
    "secrets": _secrets,
    "address": _address,
    "mail": _mail,
}
