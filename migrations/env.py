"""Runs the migrations as the owner of the tables, one process at a time; then grants web and worker their rights.

Callbacks arrive meanwhile: whoever waits behind a migration that waits for a lock waits for a moment at most. Then the
migration makes way, and is begun again where it stands; each is a transaction of its own. The moment is shorter than
the time after which PostgreSQL looks for deadlocks, so that in one it is the migration that makes way. It works as long
as it takes, whatever limits the role has.
"""

import time

import click
from alembic import context
from alembic.runtime.migration import MigrationContext
from flask import current_app
from psycopg.errors import LockNotAvailable
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from shopcallbacks import rights, schema
from shopcallbacks.extensions import Base

LOCK = 0x5C0  # any number that is ours
TRIES, PAUSE_S = 300, 1
LIMITS = {"timezone": "UTC", "statement_timeout": 0, "idle_in_transaction_session_timeout": 0, "lock_timeout": "300ms"}


def beyond(connection):
    """The revisions that only a later release knows. This one works beside them, and has none to run."""
    all_, _ = schema.known()
    return set(MigrationContext.configure(connection).get_current_heads()) - all_


def migrate(connection):
    for left in reversed(range(TRIES)):
        connection.execute(text("RESET lock_timeout"))  # one that broke off may have lifted it
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except OperationalError as error:
            connection.rollback()
            if not left or not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(PAUSE_S)
        else:
            return


app_url, url = current_app.config["SQLALCHEMY_DATABASE_URI"], current_app.config["MIGRATION_DATABASE_URI"]
options = " ".join(f"-c {name}={value}" for name, value in LIMITS.items())
engine = create_engine(url, poolclass=NullPool, connect_args={"options": options})
with engine.connect() as connection:
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    try:
        if later := beyond(connection):
            click.echo(f"The database is at {', '.join(later)}, of a later release: there is nothing to migrate.")
        else:
            migrate(connection)
        if role := rights.app_role(app_url, url):
            rights.grant(connection, role)
            connection.commit()
    finally:
        connection.rollback()  # of what failed, if it did
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
