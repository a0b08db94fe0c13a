"""What was told of callbacks that a second person is asked to force.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("alert_rules", sa.Column("seconds", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table(
        "seconds_told",
        sa.Column("act_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["activity.id"], name=op.f("fk_seconds_told_act_id_activity")),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_seconds_told")),
    )


def downgrade():
    op.drop_table("seconds_told")
    op.drop_column("alert_rules", "seconds")
