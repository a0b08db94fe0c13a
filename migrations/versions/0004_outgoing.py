"""The shop hears of it: endpoints, deliveries, signing secrets; alerts and their messages

Revision ID: 0004
Revises: 0003
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEPT = ("deliveries", "alert_messages", "signing_secrets")


def upgrade():
    op.create_table(
        "alert_messages",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "waiting",
                "many",
                "money",
                "old",
                "clear",
                "digest",
                "handover",
                "test",
                name="kind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_alert_messages_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_messages")),
    )
    op.create_index(
        "ix_alert_messages_due",
        "alert_messages",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index("ix_alert_messages_shop", "alert_messages", ["shop_id", "id"], unique=False)
    op.create_table(
        "alert_rules",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("webhook_sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "webhook_style", sa.Enum("signed", "slack", name="style", native_enum=False, length=32), nullable=True
        ),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=True),
        sa.Column("money_minor", sa.BigInteger(), nullable=True),
        sa.Column("money_currency", sa.Text(), nullable=True),
        sa.Column("old_minutes", sa.BigInteger(), nullable=True),
        sa.Column("digest_hours", sa.BigInteger(), nullable=True),
        sa.Column("handover_hour", sa.BigInteger(), nullable=True),
        sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handover_on", sa.Date(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_alert_rules_shop_id_shops")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_alert_rules")),
    )
    op.create_table(
        "alerts_told",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "rule",
            sa.Enum("waiting", "many", "money", "old", name="rule", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_alerts_told_shop_id_shops")),
        sa.PrimaryKeyConstraint("shop_id", "rule", name=op.f("pk_alerts_told")),
    )
    op.create_table(
        "endpoints",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_endpoints_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
        sa.UniqueConstraint("shop_id", name=op.f("uq_endpoints_shop_id")),
    )
    op.create_table(
        "signing_secrets",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "purpose", sa.Enum("endpoint", "alerts", name="purpose", native_enum=False, length=32), nullable=False
        ),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_signing_secrets_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_secrets")),
    )
    op.create_index("ix_signing_secrets_shop_purpose", "signing_secrets", ["shop_id", "purpose"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name=op.f("fk_deliveries_endpoint_id_endpoints")),
        sa.ForeignKeyConstraint(["event_id"], ["order_events.id"], name=op.f("fk_deliveries_event_id_order_events")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_deliveries_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("endpoint_id", "event_id", name=op.f("uq_deliveries_endpoint_id_event_id")),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["endpoint_id", "next_try_at", "position"],
        unique=False,
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index("ix_deliveries_endpoint_position", "deliveries", ["endpoint_id", "position"], unique=False)
    op.create_index(
        "ix_deliveries_given_up",
        "deliveries",
        ["endpoint_id", "position"],
        unique=False,
        postgresql_where=sa.text("given_up_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_in_order",
        "deliveries",
        ["order_id", "endpoint_id", "position"],
        unique=False,
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index("ix_deliveries_order", "deliveries", ["order_id"], unique=False)
    op.add_column("feeds", sa.Column("followed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_activity_shop_id", "activity", ["shop_id", "id"])
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_are_kept BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade():
    op.drop_index("ix_activity_shop_id", table_name="activity")
    op.drop_column("feeds", "followed")
    op.drop_index("ix_deliveries_order", table_name="deliveries")
    op.drop_index(
        "ix_deliveries_in_order", table_name="deliveries", postgresql_where=sa.text("next_try_at IS NOT NULL")
    )
    op.drop_index(
        "ix_deliveries_given_up", table_name="deliveries", postgresql_where=sa.text("given_up_at IS NOT NULL")
    )
    op.drop_index("ix_deliveries_endpoint_position", table_name="deliveries")
    op.drop_index("ix_deliveries_due", table_name="deliveries", postgresql_where=sa.text("next_try_at IS NOT NULL"))
    op.drop_table("deliveries")
    op.drop_index("ix_signing_secrets_shop_purpose", table_name="signing_secrets")
    op.drop_table("signing_secrets")
    op.drop_table("endpoints")
    op.drop_table("alerts_told")
    op.drop_table("alert_rules")
    op.drop_index("ix_alert_messages_shop", table_name="alert_messages")
    op.drop_index(
        "ix_alert_messages_due", table_name="alert_messages", postgresql_where=sa.text("next_try_at IS NOT NULL")
    )
    op.drop_table("alert_messages")
