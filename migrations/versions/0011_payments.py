"""Payments become the noun: the ledger says by how much each booking changed each figure, tries to pay have rows of
their own, and messages keep all that they say, and why they wait, in words that rules know.

It runs while callbacks arrive and the former release still serves: one table after the other is locked for a moment,
each in a transaction of its own, so that nobody waits in a ring with it; a run that was broken off goes on. What fills
the new tables is a step of its own. Until that release is gone a trigger says for it what it does not say of an event,
and the columns that only it reads (`awaited_transaction`, `settled_minor`) stay.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SETTINGS = {
    "shops": (
        sa.Column("refusal_cancels_after", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("payment_reopens", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("parts", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("accept_limit_minor", sa.BigInteger()),
        sa.Column("accept_limit_currency", sa.Text()),
    ),
    "gateway_accounts": (
        sa.Column("number_pattern", sa.Text()),
        sa.Column("ours_field", sa.Text()),
        sa.Column("ours_value", sa.Text()),
        sa.Column("sets_nameless_aside", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("try_lives_s", sa.BigInteger()),
        sa.Column("tolerance_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    ),
    "orders": (
        sa.Column("cancelled_by", sa.String(32)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("held_since", sa.DateTime(timezone=True)),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("taken_minor", "given_back_minor", "kept_minor", "waived_minor")
        ),
        sa.Column("owed_other", pg.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    ),
    "callbacks": (
        sa.Column("conflict", sa.String(32)),
        sa.Column("crashed_in", sa.Text()),
        sa.Column("asked_minor", sa.BigInteger()),
        sa.Column("asked_transaction", sa.Text()),
        sa.Column("assigned_id", sa.BigInteger(), sa.ForeignKey("orders.id", name="fk_callbacks_assigned_id_orders")),
    ),
    "attempts": (sa.Column("conflict", sa.String(32)),),
    "messages": (
        sa.Column("test", sa.Boolean()),
        sa.Column("movement", sa.Text()),
        *(
            sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
            for name in ("total", "at_least", "part", "uncaptured", "by_day")
        ),
        sa.Column("carries_on", sa.Text()),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("at", sa.DateTime(timezone=True)),
        sa.Column("customer", sa.Text()),
        sa.Column("conflict", sa.String(32)),
    ),
    "order_events": (
        sa.Column("number", sa.Text()),
        sa.Column(
            "account_id",
            sa.BigInteger(),
            sa.ForeignKey("gateway_accounts.id", name="fk_order_events_account_id_gateway_accounts"),
        ),
        sa.Column("order_currency", sa.Text()),
        *(
            sa.Column(name, sa.BigInteger())
            for name in ("total_minor", "paid_minor", "given_back_minor", "kept_minor", "owed_minor")
        ),
        sa.Column("owed_other", pg.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("other_payment_waits", sa.Boolean(), server_default=sa.false(), nullable=False),
    ),
}
FORMER = "ledger_before_0011"
REFERENCES = (("shop", "shops"), ("order", "orders"), ("account", "gateway_accounts"), ("callback", "callbacks"))
FOR_FORMER_CODE = """
CREATE OR REPLACE FUNCTION say_for_former_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT o.number, o.currency, o.amount_minor, o.taken_minor, o.given_back_minor, o.kept_minor, o.owed_minor
    INTO NEW.number, NEW.order_currency, NEW.total_minor, NEW.paid_minor, NEW.given_back_minor, NEW.kept_minor,
         NEW.owed_minor
    FROM orders o WHERE o.id = NEW.order_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER order_events_of_former_code BEFORE INSERT ON order_events
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION say_for_former_code()
"""


def upgrade():
    with op.get_context().autocommit_block():
        for table, columns in SETTINGS.items():
            added = ", ".join(f"ADD COLUMN IF NOT EXISTS {_told(column)}" for column in columns)
            op.execute(f"ALTER TABLE {table} {added}")
        op.execute(FOR_FORMER_CODE)
    _rename()
    _create_payments()
    _create_ledger()


def _told(column):
    """As DDL; a new column's reference needs no look at the rows, where it is told with the column."""
    dialect = op.get_bind().dialect
    told = str(sa.schema.CreateColumn(column).compile(dialect=dialect))
    for key in column.foreign_keys:
        table, _, name = key.target_fullname.partition(".")
        told += f" CONSTRAINT {key.name} REFERENCES {table} ({name})"
    return told


def _rename():
    """The former ledger stays as it was, under a name that says so."""
    op.rename_table("payments", FORMER)
    for name in ("ix_payments_account_transaction", "ix_payments_order_id", "uq_payments_account_id_entry_movement"):
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_before_0011")
    op.execute(f"ALTER TABLE {FORMER} RENAME CONSTRAINT pk_payments TO pk_{FORMER}")
    for column, table in REFERENCES:
        op.execute(
            f"ALTER TABLE {FORMER} RENAME CONSTRAINT fk_payments_{column}_id_{table} TO fk_{FORMER}_{column}_id_{table}"
        )
    for what in ("are_kept", "are_written_once"):
        op.execute(f"ALTER TRIGGER payments_{what} ON {FORMER} RENAME TO {FORMER}_{what}")


def _create_payments():
    op.create_table(
        "payments",
        sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("orders.id", name="fk_payments_order_id_orders")),
        sa.Column("place", sa.BigInteger(), autoincrement=False),
        sa.Column(
            "shop_id", sa.BigInteger(), sa.ForeignKey("shops.id", name="fk_payments_shop_id_shops"), nullable=False
        ),
        sa.Column(
            "account_id",
            sa.BigInteger(),
            sa.ForeignKey("gateway_accounts.id", name="fk_payments_account_id_gateway_accounts"),
            nullable=False,
        ),
        sa.Column("transactions", pg.JSONB(), nullable=False),
        sa.Column("life", sa.String(32), nullable=False),
        sa.Column("booked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("heard_at", sa.DateTime(timezone=True)),
        sa.Column("dispute", sa.String(32)),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("by_day", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "place", name="pk_payments"),
    )


def _create_ledger():
    sums = ("came_in", "taken", "given_back", "unmatched", "waived", "owed", "settled")
    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "shop_id", sa.BigInteger(), sa.ForeignKey("shops.id", name="fk_ledger_shop_id_shops"), nullable=False
        ),
        sa.Column(
            "order_id", sa.BigInteger(), sa.ForeignKey("orders.id", name="fk_ledger_order_id_orders"), nullable=False
        ),
        sa.Column(
            "account_id",
            sa.BigInteger(),
            sa.ForeignKey("gateway_accounts.id", name="fk_ledger_account_id_gateway_accounts"),
            nullable=False,
        ),
        sa.Column("entry", sa.String(32), nullable=False),
        sa.Column("transaction_id", sa.Text()),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text()),
        sa.Column("nth", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("of_entry", sa.String(32)),
        sa.Column("of_movement", sa.Text()),
        sa.Column("of_nth", sa.BigInteger()),
        sa.Column("at", sa.DateTime(timezone=True)),
        *(sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False) for name in sums),
        sa.Column(
            "callback_id", sa.BigInteger(), sa.ForeignKey("callbacks.id", name="fk_ledger_callback_id_callbacks")
        ),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )


def downgrade():
    """The former ledger as it was left; what was booked since is lost to the former code, which has no words for it."""
    op.execute("DROP TRIGGER order_events_of_former_code ON order_events")
    op.execute("DROP FUNCTION say_for_former_code")
    op.drop_table("ledger")
    op.drop_table("payments")
    for what in ("are_kept", "are_written_once"):
        op.execute(f"ALTER TRIGGER {FORMER}_{what} ON {FORMER} RENAME TO payments_{what}")
    for column, table in REFERENCES:
        op.execute(
            f"ALTER TABLE {FORMER} RENAME CONSTRAINT fk_{FORMER}_{column}_id_{table} TO fk_payments_{column}_id_{table}"
        )
    op.execute(f"ALTER TABLE {FORMER} RENAME CONSTRAINT pk_{FORMER} TO pk_payments")
    for name in ("ix_payments_account_transaction", "ix_payments_order_id", "uq_payments_account_id_entry_movement"):
        op.execute(f"ALTER INDEX {name}_before_0011 RENAME TO {name}")
    op.rename_table(FORMER, "payments")
    for table, columns in SETTINGS.items():
        for column in columns:
            op.drop_column(table, column.name)
