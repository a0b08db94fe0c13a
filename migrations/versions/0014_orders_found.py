"""Orders that nobody called about, and those whose number is near one, are found by index; numbers are in NFC.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LOOSE = """lower(replace("normalize"(number, 'NFKC'), ' ', '')) COLLATE "C\""""


def upgrade():
    # Where both forms were handed in both orders stay, each under its own number.
    op.execute(
        "UPDATE orders SET number = normalize(number, NFC) WHERE number IS NOT NFC NORMALIZED AND NOT EXISTS ("
        "SELECT FROM orders other WHERE other.shop_id = orders.shop_id AND other.id <> orders.id "
        "AND normalize(other.number, NFC) = normalize(orders.number, NFC))"
    )
    op.create_index(
        "ix_orders_unheard",
        "orders",
        ["shop_id", "created_at", "id"],
        postgresql_where=sa.text("state = 'temporary' AND NOT test AND amount_minor > 0"),
    )
    op.execute(f"CREATE INDEX ix_orders_loose ON orders (shop_id, ({LOOSE}))")
    op.execute(f"CREATE INDEX ix_orders_loose_end ON orders (shop_id, (reverse({LOOSE})))")
    op.execute(
        "CREATE INDEX ix_orders_email ON orders (shop_id, lower(customer_email), amount_minor)"
        " WHERE customer_email IS NOT NULL"
    )


def downgrade():
    for name in ("ix_orders_email", "ix_orders_loose_end", "ix_orders_loose", "ix_orders_unheard"):
        op.drop_index(name, table_name="orders")
