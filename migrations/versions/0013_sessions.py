"""Sessions stand in the database, so that they can end. Admins of no named shop become owners of the installation.

Revision ID: 0013
Revises: 0011b
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011b"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    op.create_index("ix_sessions_not_ended", "sessions", ["user_id"], postgresql_where=sa.text("ended_at IS NULL"))
    # Until now each admin saw every shop. Those who were given shops see those from now on, as it was meant.
    op.execute(
        "UPDATE users SET role = 'owner' WHERE role = 'admin'"
        " AND NOT EXISTS (SELECT FROM memberships WHERE memberships.user_id = users.id)"
    )


def downgrade():
    op.execute("UPDATE users SET role = 'admin' WHERE role = 'owner'")
    op.drop_table("sessions")
