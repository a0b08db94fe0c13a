"""Orders that nobody called about, and those whose number is near one, are found by index; numbers are in NFC.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LOOSE = """lower(replace("normalize"(number, 'NFKC'), ' ', '')) COLLATE "C\""""
INDEXES = {
    "ix_orders_unheard": "orders (shop_id, created_at, id) WHERE state = 'temporary' AND NOT test AND amount_minor > 0",
    "ix_orders_loose": f"orders (shop_id, ({LOOSE}))",
    "ix_orders_loose_end": f"orders (shop_id, (reverse({LOOSE})))",
    "ix_orders_email": "orders (shop_id, lower(customer_email), amount_minor) WHERE customer_email IS NOT NULL",
}


def upgrade():
    with op.get_context().autocommit_block():  # the table is long: it stays open to writers meanwhile
        op.execute("SET lock_timeout = 0")  # nobody waits behind this, however long it waits for others
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # one that an earlier try left half made
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute("SET lock_timeout = '300ms'")
    # Where both forms were handed in both orders stay, each under its own number.
    op.execute(
        "UPDATE orders SET number = normalize(number, NFC) WHERE number IS NOT NFC NORMALIZED AND NOT EXISTS ("
        "SELECT FROM orders other WHERE other.shop_id = orders.shop_id AND other.id <> orders.id "
        "AND normalize(other.number, NFC) = normalize(orders.number, NFC))"
    )


def downgrade():
    for name in INDEXES:
        op.drop_index(name, table_name="orders")
