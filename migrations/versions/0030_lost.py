"""What did not find its order is looked at again, round and round.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INDEX = "ix_messages_lost"


def upgrade():
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # one that an earlier try left half made
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON messages (callback_id) WHERE reason = 'order_not_found'")
        op.execute("SET lock_timeout = '300ms'")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
