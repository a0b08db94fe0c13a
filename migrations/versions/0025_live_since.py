"""Since when an account is live that was a test one: what came before stays a test.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("gateway_accounts", sa.Column("live_since", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    op.drop_column("gateway_accounts", "live_since")
