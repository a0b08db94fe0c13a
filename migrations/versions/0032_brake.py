"""Whose callbacks come in a rush and are not genuine hears the answers at a slower pace.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("gateway_accounts", sa.Column("braked_until", sa.DateTime(timezone=True)))


def downgrade():
    op.drop_column("gateway_accounts", "braked_until")
