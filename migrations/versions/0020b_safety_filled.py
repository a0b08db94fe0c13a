"""What is as good as genuine has a conflict of its own; by itself, so that no table is locked while callbacks arrive.

Revision ID: 0020b
Revises: 0020
"""

from alembic import op

revision = "0020b"
down_revision = "0020"
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
    names = " ".join(f"WHEN detail LIKE '{like}%' THEN '{conflict}'" for like, conflict in CONFLICTS.items())
    likes = " OR ".join(f"detail LIKE '{like}%'" for like in CONFLICTS)
    op.execute(
        f"UPDATE callbacks SET conflict = CASE {names} END "
        f"WHERE reason = 'not_genuine' AND state <> 'processed' AND conflict IS NULL AND ({likes})"
    )


def downgrade():
    op.execute("UPDATE callbacks SET conflict = NULL WHERE reason = 'not_genuine'")
