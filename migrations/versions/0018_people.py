"""A role is of one shop; owners are of the installation.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROLES = ("viewer", "manager", "admin", "owner")


def role(**more):
    return sa.Column("role", sa.Enum(*ROLES, name="role", native_enum=False, length=32), **more)


def upgrade():
    op.add_column("users", sa.Column("owns", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE users SET owns = true WHERE role = 'owner'")
    op.add_column("memberships", role(nullable=True))
    op.execute("DELETE FROM memberships USING users WHERE users.id = user_id AND owns")
    op.execute("UPDATE memberships SET role = users.role FROM users WHERE users.id = user_id")
    op.alter_column("memberships", "role", nullable=False)
    op.drop_column("users", "role")


def downgrade():
    """Who has several roles keeps the least of them."""
    op.add_column("users", role(server_default="viewer", nullable=False))
    for least in ("admin", "manager", "viewer"):
        op.execute(
            f"UPDATE users SET role = '{least}' WHERE EXISTS"
            f" (SELECT FROM memberships WHERE user_id = users.id AND memberships.role = '{least}')"
        )
    op.execute("UPDATE users SET role = 'owner' WHERE owns")
    op.alter_column("users", "role", server_default=None)
    op.drop_column("memberships", "role")
    op.drop_column("users", "owns")
