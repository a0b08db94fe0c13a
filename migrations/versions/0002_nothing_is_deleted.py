"""Nothing is deleted, and what was received or written down never changes: the database itself holds it.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = ("callbacks", "attempts", "messages", "orders", "payments", "order_events", "activity")
WRITTEN_ONCE = ("attempts", "payments", "order_events", "activity")
THE_REQUEST = "shop_id, account_id, method, path, query, headers, body, address, received_at, digest"


def upgrade():
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of % is refused: it is kept for ever', lower(TG_OP), TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_are_kept BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in WRITTEN_ONCE:
        op.execute(
            f"CREATE TRIGGER {table}_are_written_once BEFORE UPDATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        f"CREATE TRIGGER callbacks_stay_as_received BEFORE UPDATE OF {THE_REQUEST} ON callbacks "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade():
    op.execute("DROP FUNCTION refuse_change() CASCADE")
