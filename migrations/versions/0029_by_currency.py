"""The panel's order by amount is by currency first.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INDEX = "ix_callbacks_shop_amount"


def upgrade():
    _made_anew("shop_id, currency, amount_minor, id")


def downgrade():
    _made_anew("shop_id, amount_minor, id")


def _made_anew(columns):
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}_anew")  # one that an earlier try left half made
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX}_anew ON callbacks ({columns})")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"ALTER INDEX {INDEX}_anew RENAME TO {INDEX}")
        op.execute("SET lock_timeout = '300ms'")
