"""Payments to decide on are found without reading all that waits.

Revision ID: 0034
Revises: 0033
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INDEX = "ix_callbacks_to_decide"
WHERE = (
    "state IN ('received', 'unprocessed') AND (conflict IN ('paid_already', 'order_cancelled', 'order_refunded', "
    "'payment_gone', 'payment_taken_out', 'which_payment') OR conflict IS NULL AND reason IN ('amount_mismatch', "
    "'currency_mismatch'))"
)


def upgrade():
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # one that an earlier try left half made
        op.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON callbacks (shop_id, received_at, id)"
            f" INCLUDE (state, due_at, due_kind, order_id) WHERE {WHERE}"
        )
        op.execute("SET lock_timeout = '300ms'")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
