"""Bulk runs and what came of each of their callbacks. Kept for ever; whom and what they are about never changes.

Revision ID: 0003
Revises: 0002
"""

from alembic import op
import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIXED = {
    "bulk_runs": "shop_id, user_id, verb, why, filter, undoes_id, created_at",
    "bulk_items": "run_id, place, callback_id",
}


def one_of(*names, name):
    return sa.Enum(*names, name=name, native_enum=False, length=32)


def upgrade():
    time = sa.DateTime(timezone=True)
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("verb", one_of("retry", "force", "remove", "restore", name="verb"), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("stop_share", sa.BigInteger(), nullable=False),
        sa.Column("undoes_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", time, nullable=False),
        sa.Column(
            "state", one_of("running", "paused", "stopped", "cancelled", "done", name="runstate"), nullable=False
        ),
        sa.Column("stopped_why", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("asked", "succeeded", "failed", "skipped", "stage", "stage_tried", "stage_failed")
        ),
        sa.Column("since", time, nullable=False),
        sa.Column("since_done", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", time, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_bulk_runs_shop_id_shops")),
        sa.ForeignKeyConstraint(["undoes_id"], ["bulk_runs.id"], name=op.f("fk_bulk_runs_undoes_id_bulk_runs")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bulk_runs_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
    )
    op.create_index("ix_bulk_runs_shop", "bulk_runs", ["shop_id", "id"])
    op.create_index(
        "ix_bulk_runs_open", "bulk_runs", ["id"], postgresql_where=sa.text("state = 'running' OR asked > 0")
    )
    op.create_table(
        "bulk_items",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("callback_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", one_of("waiting", "asked", "succeeded", "failed", "skipped", name="itemstate"), nullable=False
        ),
        sa.Column("attempt", sa.BigInteger(), nullable=True),
        sa.Column(
            "effect",
            one_of(
                "opened",
                "awaiting",
                "cancelled",
                "refunded",
                "partly_refunded",
                "recorded",
                "repeated",
                "none",
                name="effect",
            ),
            nullable=True,
        ),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", time, nullable=True),
        sa.ForeignKeyConstraint(["callback_id"], ["callbacks.id"], name=op.f("fk_bulk_items_callback_id_callbacks")),
        sa.ForeignKeyConstraint(["run_id"], ["bulk_runs.id"], name=op.f("fk_bulk_items_run_id_bulk_runs")),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_bulk_items")),
    )
    op.create_index("ix_bulk_items_state", "bulk_items", ["run_id", "state", "place"])
    op.create_index("ix_activity_user", "activity", ["user_id", "id"])
    for table, fixed in FIXED.items():
        op.execute(
            f"CREATE TRIGGER {table}_are_kept BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stay_as_begun BEFORE UPDATE OF {fixed} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade():
    op.drop_index("ix_activity_user", "activity")
    op.drop_table("bulk_items")
    op.drop_table("bulk_runs")
