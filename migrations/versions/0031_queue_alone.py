"""Who counts what waits reads the queue's index alone.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INDEX = "ix_callbacks_queue"
KEYS = "(shop_id, received_at, id)"
COUNTED = "INCLUDE (state, due_at, due_kind, version, reason, conflict, account_id, order_id)"


def upgrade():
    _made_anew(f"{KEYS} {COUNTED}")


def downgrade():
    _made_anew(KEYS)


def _made_anew(columns):
    on = f"callbacks {columns} WHERE state IN ('received', 'unprocessed')"
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}_anew")  # one that an earlier try left half made
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX}_anew ON {on}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"ALTER INDEX {INDEX}_anew RENAME TO {INDEX}")
        op.execute("SET lock_timeout = '300ms'")
