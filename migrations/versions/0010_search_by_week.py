"""Each week has a part of the search index to itself. The entries are written anew by the worker, the newest first.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


INDEX = "ix_callbacks_shop_amount_time"


def upgrade():
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # one that an earlier try left half made
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON callbacks (shop_id, amount_minor, received_at)")
        op.execute("SET lock_timeout = '300ms'")
    _begin_again()
    op.add_column("search_entries", sa.Column("week", sa.BigInteger(), nullable=False))


def downgrade():
    _begin_again()
    op.drop_index(INDEX, table_name="callbacks")
    op.drop_column("search_entries", "week")


def _begin_again():
    op.execute("TRUNCATE search_entries")
    op.execute(
        "UPDATE search_progress SET (upto, history, attempts) = (SELECT last, last,"
        " coalesce((SELECT max(id) FROM attempts), 0) FROM (SELECT coalesce(max(id), 0) AS last FROM callbacks))"
    )
