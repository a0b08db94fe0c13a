"""What time it is, by this host's clock and by the database's."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from .extensions import db


def utcnow() -> datetime:
    """By this host's clock. What is compared with a time of another host's is told by the database's."""
    return datetime.now(UTC)


# By the database's clock, which is the same for every host.
NOW = func.statement_timestamp()


def database_now() -> datetime:
    now: datetime = db.session.scalars(select(NOW)).one()
    return now
