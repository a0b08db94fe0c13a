"""A shop may ask two people for a force above a sum, and say where it shows its own orders; what is as good as genuine
has a conflict of its own.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# What a check came to so far stood in its sentence alone. The first that fits.
CONFLICTS = {
    "would have passed with the secret of the account ": "secret_elsewhere",
    "would have passed with the secret ": "secret_retired",
    "would have passed ": "rewritten",
    "The signature fits, but its time is ": "mistimed",
}


def upgrade():
    op.add_column("shops", sa.Column("force_limit_minor", sa.BigInteger()))
    op.add_column("shops", sa.Column("force_limit_currency", sa.Text()))
    op.add_column("shops", sa.Column("order_page", sa.Text(), server_default="", nullable=False))
    names = " ".join(f"WHEN detail LIKE '{like}%' THEN '{conflict}'" for like, conflict in CONFLICTS.items())
    likes = " OR ".join(f"detail LIKE '{like}%'" for like in CONFLICTS)
    op.execute(
        f"UPDATE callbacks SET conflict = CASE {names} END "
        f"WHERE reason = 'not_genuine' AND state <> 'processed' AND conflict IS NULL AND ({likes})"
    )


def downgrade():
    op.execute("UPDATE callbacks SET conflict = NULL WHERE reason = 'not_genuine'")
    for name in ("order_page", "force_limit_currency", "force_limit_minor"):
        op.drop_column("shops", name)
