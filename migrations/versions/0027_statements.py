"""What is owed at the end of a day, without reading all that was ever booked.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


INDEX = "ix_ledger_owed"


def upgrade():
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # one that an earlier try left half made
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON ledger (shop_id, booked_at) WHERE owed <> 0")
        op.execute("SET lock_timeout = '300ms'")


def downgrade():
    op.drop_index(INDEX, table_name="ledger")
