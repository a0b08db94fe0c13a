"""A bulk run keeps what came of its callbacks added up, so that its page need not count them while it runs.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade():
    for name in ("came", "opened"):
        op.add_column("bulk_runs", sa.Column(name, postgresql.JSONB, nullable=False, server_default=sa.text("'{}'")))


def downgrade():
    for name in ("opened", "came"):
        op.drop_column("bulk_runs", name)
