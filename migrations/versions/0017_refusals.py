"""What is turned away at the door is counted by why, not by day; and a table to try out whether anything can be kept.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade():
    op.rename_table("refusals", "refusals_by_day")
    op.execute("ALTER INDEX pk_refusals RENAME TO pk_refusals_by_day")
    op.create_table(
        "refusals",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "why",
            sa.Enum("path", "token", "method", "too_large", name="why", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["gateway_accounts.id"], name=op.f("fk_refusals_account_id_gateway_accounts")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_refusals_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    op.create_index("uq_refusals", "refusals", ["shop_id", sa.text("coalesce(account_id, 0)"), "why"], unique=True)
    op.execute(
        "INSERT INTO refusals (shop_id, account_id, why, count, first_at, last_at)"
        " SELECT account.shop_id, account.id, 'too_large', sum(count), min(day), max(day)"
        " FROM refusals_by_day JOIN gateway_accounts AS account ON account.id = account_id GROUP BY account.id"
    )
    op.drop_table("refusals_by_day")
    op.create_table(
        "probes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probes")),
    )
    op.execute("ALTER TABLE probes ALTER body SET STORAGE PLAIN")  # so that a row needs a page of its own


def downgrade():
    op.drop_table("probes")
    op.rename_table("refusals", "refusals_by_why")
    op.execute("ALTER INDEX pk_refusals RENAME TO pk_refusals_by_why")
    op.create_table(
        "refusals",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["gateway_accounts.id"], name=op.f("fk_refusals_account_id_gateway_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_refusals")),
    )
    op.execute(
        "INSERT INTO refusals (account_id, day, count) SELECT account_id, last_at::date, count FROM refusals_by_why"
        " WHERE why = 'too_large'"
    )
    op.drop_table("refusals_by_why")
