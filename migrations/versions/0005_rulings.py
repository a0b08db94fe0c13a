"""What a person rules about a payment that no order takes: owed back to the customer until it is given back.

Revision ID: 0005
Revises: 0004
"""

from alembic import op
import sqlalchemy as sa

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("payments", sa.Column("owed", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("owed_minor", "settled_minor"):
        op.add_column("orders", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_orders_owed", "orders", ["shop_id", "changed_at", "id"], postgresql_where=sa.text("owed_minor > 0")
    )


def downgrade():
    op.drop_index("ix_orders_owed", "orders")
    for name in ("settled_minor", "owed_minor"):
        op.drop_column("orders", name)
    op.drop_column("payments", "owed")
