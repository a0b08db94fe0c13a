"""Calls of a shop's API that may be repeated, what was told of disputes, and indexes for the lists of orders.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


INDEXES = {
    "ix_orders_awaiting": ("orders", ["shop_id", "changed_at", "id"], "state = 'awaiting_payment'"),
    "ix_ledger_unmatched": ("ledger", ["shop_id", "order_id"], "unmatched <> 0"),
}


def upgrade():
    with op.get_context().autocommit_block():  # both tables are long: they stay open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        for name, (table, columns, where) in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # one that an earlier try left half made
            op.create_index(name, table, columns, postgresql_where=sa.text(where), postgresql_concurrently=True)
        op.execute("SET lock_timeout = '300ms'")
    op.create_table(
        "idempotency_keys",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_idempotency_keys_shop_id_shops")),
        sa.PrimaryKeyConstraint("shop_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_at", "idempotency_keys", ["at"])
    op.add_column("alert_rules", sa.Column("disputes", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table(
        "disputes_told",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("due_told", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_told_order_id_orders")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_disputes_told_shop_id_shops")),
        sa.PrimaryKeyConstraint("order_id", "place", name=op.f("pk_disputes_told")),
    )
    op.create_index("ix_disputes_told_shop_id", "disputes_told", ["shop_id"])


def downgrade():
    op.drop_table("disputes_told")
    op.drop_column("alert_rules", "disputes")
    op.drop_table("idempotency_keys")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
