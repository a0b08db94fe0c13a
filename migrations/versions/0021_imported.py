"""Callbacks that are brought along from elsewhere: when, which like the rest of what was received never changes.

Revision ID: 0021
Revises: 0020b
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020b"
branch_labels = None
depends_on = None

THE_REQUEST = "shop_id, account_id, method, path, query, headers, body, address, received_at, digest"


def upgrade():
    op.add_column("callbacks", sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True))
    _stays_as_received(f"{THE_REQUEST}, imported_at")


def downgrade():
    op.execute("UPDATE callbacks SET state = 'invalid' WHERE state = 'imported'")  # can be restored from there
    _stays_as_received(THE_REQUEST)
    op.drop_column("callbacks", "imported_at")


def _stays_as_received(columns):
    op.execute("DROP TRIGGER callbacks_stay_as_received ON callbacks")
    op.execute(
        f"CREATE TRIGGER callbacks_stay_as_received BEFORE UPDATE OF {columns} ON callbacks "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
