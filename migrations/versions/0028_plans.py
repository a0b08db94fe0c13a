"""Indexes for what else would be looked for in all callbacks and all attempts.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_callbacks_taken_back": "callbacks (shop_id, effect, received_at, id) WHERE effect IN ('owed', 'closed')",
    "ix_attempts_by_a_person": "attempts (callback_id) WHERE kind NOT IN ('first', 'automatic')",
    "ix_attempts_at": "attempts USING brin (at) WITH (pages_per_range = 16, autosummarize = on)",
}


def upgrade():
    with op.get_context().autocommit_block():  # both tables are long: they stay open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # one that an earlier try left half made
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("SET lock_timeout = '300ms'")


def downgrade():
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
