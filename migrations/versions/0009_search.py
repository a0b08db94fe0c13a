"""What callbacks can be found by. Filled by the worker: what is there already as well, the newest first.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "search_entries",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("callback_id", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "callback_id", name=op.f("pk_search_entries")),
    )
    # What is not merged into the index yet is read through by each search: a short list.
    op.execute(
        "CREATE INDEX ix_search_entries_terms ON search_entries USING gin (terms) WITH (gin_pending_list_limit = 512)"
    )
    op.create_table(
        "search_progress",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("history", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_progress")),
    )
    op.execute(
        "INSERT INTO search_progress (id, upto, history, attempts) SELECT 1, last, last,"
        " coalesce((SELECT max(id) FROM attempts), 0) FROM (SELECT coalesce(max(id), 0) AS last FROM callbacks)"
    )


def downgrade():
    op.drop_table("search_progress")
    op.drop_table("search_entries")
