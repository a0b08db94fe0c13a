"""A shop may ask two people for a force above a sum, and say where it shows its own orders.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("shops", sa.Column("force_limit_minor", sa.BigInteger()))
    op.add_column("shops", sa.Column("force_limit_currency", sa.Text()))
    op.add_column("shops", sa.Column("order_page", sa.Text(), server_default="", nullable=False))


def downgrade():
    for name in ("order_page", "force_limit_currency", "force_limit_minor"):
        op.drop_column("shops", name)
