"""Who looks at a cause, views that all of a shop see, and callbacks by who is on them.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "handlings",
        sa.Column("shop_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_handlings_shop_id_shops")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_handlings_user_id_users")),
        sa.PrimaryKeyConstraint("shop_id", "cause", name=op.f("pk_handlings")),
    )
    op.create_index("ix_claims_user", "claims", ["user_id", "until"])
    op.add_column("saved_views", sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade():
    op.drop_column("saved_views", "shared")
    op.drop_index("ix_claims_user", table_name="claims")
    op.drop_table("handlings")
