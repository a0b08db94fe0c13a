"""Runs the migrations on the app's own database, one process at a time."""

from alembic import context
from flask import current_app
from sqlalchemy import text

from shopcallbacks.extensions import Base

LOCK = 0x5C0  # any number that is ours

engine = current_app.extensions["migrate"].db.engine
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()  # of what failed, if it did
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
