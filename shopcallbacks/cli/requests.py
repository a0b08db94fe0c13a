"""`flask requests`: the months in whose parts requests stand, in use and in the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import OperationalError

from ..callbacks import months
from ..callbacks.months import Month
from ..clock import utcnow
from ..domain.errors import Refused
from ..shops.acts import Activity
from .base import plain_errors, table

# Arrivals wait behind whoever waits for a table: no longer than that.
OPTIONS = "-c timezone=UTC -c lock_timeout=1s"

requests = AppGroup("requests", help="What came, by month: list, take away into an archive, bring back.")


@contextmanager
def _as_owner() -> Iterator[Connection]:
    """A transaction of the role that the tables belong to."""
    url = current_app.config["MIGRATION_DATABASE_URI"]
    try:
        with create_engine(url, poolclass=NullPool, connect_args={"options": OPTIONS}).begin() as connection:
            yield connection
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        raise Refused("Somebody else uses these tables just now. Nothing was done; try again.") from None


@requests.command("list")
@plain_errors
def list_parts() -> None:
    """The parts that are here, with their bytes."""
    with _as_owner() as connection:
        rows = [
            (name, "in use" if attached else "in the archive", f"{size:,}")
            for name, attached, size in months.parts(connection)
        ]
    table(rows, ("PART", "IS", "BYTES"))


@requests.command("detach")
@click.argument("month", metavar="MONTH")
@plain_errors
def detach(month: str) -> None:
    """Take a month (2024-03) that is over, and of which nothing waits, away into the archive."""
    wanted = Month.read(month)
    with _as_owner() as connection:
        months.detach(connection, wanted, utcnow())
    Activity.record(months.AWAY, None, what=str(wanted))
    click.echo(f"{wanted} is in the archive: {' and '.join(wanted.parts.values())} can be dumped, then dropped.")


@requests.command("attach")
@click.argument("month", metavar="MONTH")
@plain_errors
def attach(month: str) -> None:
    """Bring a month (2024-03) back from the archive."""
    wanted = Month.read(month)
    with _as_owner() as connection:
        months.attach(connection, wanted)
    Activity.record(months.BACK, None, what=str(wanted))
    click.echo(f"{wanted} is in use again.")
