"""Runs the migrations as the owner of the tables, one process at a time; then grants web and worker their rights."""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

from shopcallbacks import rights
from shopcallbacks.extensions import Base

LOCK = 0x5C0  # any number that is ours

app_url, url = current_app.config["SQLALCHEMY_DATABASE_URI"], current_app.config["MIGRATION_DATABASE_URI"]
engine = create_engine(url, poolclass=NullPool, connect_args={"options": "-c timezone=UTC"})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
        if role := rights.app_role(app_url, url):
            rights.grant(connection, role)
            connection.commit()
    finally:
        connection.rollback()  # of what failed, if it did
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
