"""What is owed at the end of a day, without reading all that was ever booked.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_ledger_owed", "ledger", ["shop_id", "booked_at"], postgresql_where=sa.text("owed <> 0"))


def downgrade():
    op.drop_index("ix_ledger_owed", table_name="ledger", postgresql_where=sa.text("owed <> 0"))
