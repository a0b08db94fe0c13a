"""Shops are told of floods of callbacks that are not genuine.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("alert_rules", sa.Column("floods", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table(
        "floods_told",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["gateway_accounts.id"], name=op.f("fk_floods_told_account_id_gateway_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_floods_told")),
    )


def downgrade():
    op.drop_table("floods_told")
    op.drop_column("alert_rules", "floods")
