"""What came stands in tables of its own, in parts by month; a body that comes again is kept once a day.

Nothing is moved: what came before stays in the callback's own row, and so does what web processes of the former release
keep until they are replaced. `Callback.request` reads either. Workers of the former release leave what they can't read
due, and those of this one take it.

Revision ID: 0022
Revises: 0021
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FORMER = ("method", "path", "query", "headers", "body", "address")

# The role that may do least can't make tables. This does it for whoever calls: a month's parts, and nothing else.
# A table that is busy is left for the next time: who waits behind us waits for 50 ms at most.
MAKE_MONTH = """
CREATE FUNCTION make_month(month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp SET lock_timeout = '50ms' SET timezone = 'UTC' AS $$
DECLARE
    first date := date_trunc('month', month);
    behind date := first + interval '1 month';
    kept text;
    part text;
BEGIN
    IF to_regclass('bodies' || to_char(first, '_YYYY_MM')) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOREACH kept IN ARRAY ARRAY['requests', 'bodies'] LOOP
        part := kept || to_char(first, '_YYYY_MM');
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, kept, first, behind);
        EXECUTE format('CREATE TRIGGER part_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
    END LOOP;
    RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected OR duplicate_table OR unique_violation OR check_violation THEN
    RETURN false;
END $$
"""


def upgrade():
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE callbacks " + ", ".join(f"ALTER COLUMN {name} DROP NOT NULL" for name in FORMER))
    op.create_table(
        "requests",
        sa.Column("callback_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("callback_id", "received_at", name=op.f("pk_requests")),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_table(
        "bodies",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("query", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "account_id", "digest", name=op.f("pk_bodies")),
        postgresql_partition_by="RANGE (day)",
    )
    for kept in ("requests", "bodies"):
        op.execute(f"CREATE TABLE {kept}_default PARTITION OF {kept} DEFAULT")
        for table in (kept, f"{kept}_default"):
            op.execute(
                f"CREATE TRIGGER {'part_is_kept' if table != kept else f'{kept}_are_kept'} BEFORE UPDATE OR DELETE OR "
                f"TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    connection = op.get_bind()
    schema = connection.dialect.identifier_preparer.quote(connection.scalar(sa.text("SELECT current_schema()")))
    op.execute(MAKE_MONTH.format(schema=schema))
    op.execute("REVOKE EXECUTE ON FUNCTION make_month FROM PUBLIC")
    ahead = "SELECT make_month(CAST(:today + n * interval '1 month' AS date)) FROM generate_series(0, 2) AS n"
    connection.execute(sa.text(ahead), {"today": datetime.now(UTC).date().replace(day=1)})


def downgrade():
    """Everything back into the callbacks' own rows. A month that is in an archive has to be attached before."""
    op.execute("ALTER TABLE callbacks DISABLE TRIGGER callbacks_stay_as_received")
    op.execute(
        """
        UPDATE callbacks c SET method = r.method, path = r.path, headers = r.headers, address = r.address,
            query = b.query, body = b.body
        FROM requests r, bodies b
        WHERE r.callback_id = c.id AND r.received_at = c.received_at AND b.account_id = c.account_id
          AND b.digest = c.digest AND b.day = CAST(c.received_at AT TIME ZONE 'UTC' AS date)
        """
    )
    op.execute("ALTER TABLE callbacks ENABLE TRIGGER callbacks_stay_as_received")
    op.execute("ALTER TABLE callbacks " + ", ".join(f"ALTER COLUMN {name} SET NOT NULL" for name in FORMER))
    op.execute("DROP FUNCTION make_month")
    op.drop_table("requests")
    op.drop_table("bodies")
