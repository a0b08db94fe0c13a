"""Arrivals by hour; what was told of silent gateways

Revision ID: 0008
Revises: 0007
"""

from alembic import op
import sqlalchemy as sa

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "arrivals",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("came", sa.BigInteger(), nullable=False),
        sa.Column("genuine", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["gateway_accounts.id"], name=op.f("fk_arrivals_account_id_gateway_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", "hour", name=op.f("pk_arrivals")),
    )
    op.create_table(
        "silences_told",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["gateway_accounts.id"], name=op.f("fk_silences_told_account_id_gateway_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_silences_told")),
    )
    op.add_column("alert_rules", sa.Column("silent", sa.Boolean(), server_default=sa.text("true"), nullable=False))


def downgrade():
    op.drop_column("alert_rules", "silent")
    op.drop_table("silences_told")
    op.drop_table("arrivals")
