"""A role is of one shop; owners are of the installation. Links that are used once, and second factors.

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
TIME = sa.DateTime(timezone=True)


def role(**more):
    return sa.Column("role", sa.Enum(*ROLES, name="role", native_enum=False, length=32), **more)


def upgrade():
    op.add_column("users", sa.Column("owns", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE users SET owns = true WHERE role = 'owner'")
    op.add_column("users", sa.Column("identity", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_users_identity"), "users", ["identity"])
    op.add_column("memberships", role(nullable=True))
    op.execute("DELETE FROM memberships USING users WHERE users.id = user_id AND owns")
    op.execute("UPDATE memberships SET role = users.role FROM users WHERE users.id = user_id")
    op.alter_column("memberships", "role", nullable=False)
    op.drop_column("users", "role")
    op.create_index("ix_sessions_seen", "sessions", ["user_id", "seen_at"])
    op.create_table(
        "links",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("invitation", "password", name="linkkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        role(nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_links_shop_id_shops")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_links_user_id_users")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_links_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_shop", "links", ["shop_id", "id"])
    op.create_index("ix_links_user", "links", ["user_id", "id"])
    op.create_table(
        "link_letters",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", TIME, nullable=True),
        sa.Column("leased_until", TIME, nullable=True),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("given_up_at", TIME, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_letters_link_id_links")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_letters")),
    )
    op.create_index("ix_link_letters_link_id", "link_letters", ["link_id"])
    op.create_index(
        "ix_link_letters_due", "link_letters", ["next_try_at"], postgresql_where=sa.text("next_try_at IS NOT NULL")
    )
    op.create_table(
        "second_factors",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factors")),
    )
    op.create_index(
        "uq_second_factors_user",
        "second_factors",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("factor_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["factor_id"], ["second_factors.id"], name=op.f("fk_recovery_codes_factor_id_second_factors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index("ix_recovery_codes_factor_id", "recovery_codes", ["factor_id"])
    op.add_column("shops", sa.Column("needs_second_factor", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade():
    """Who has several roles keeps the least of them."""
    op.drop_column("shops", "needs_second_factor")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
    op.drop_table("link_letters")
    op.drop_table("links")
    op.drop_index("ix_sessions_seen", "sessions")
    op.add_column("users", role(server_default="viewer", nullable=False))
    for least in ("admin", "manager", "viewer"):
        op.execute(
            f"UPDATE users SET role = '{least}' WHERE EXISTS"
            f" (SELECT FROM memberships WHERE user_id = users.id AND memberships.role = '{least}')"
        )
    op.execute("UPDATE users SET role = 'owner' WHERE owns")
    op.alter_column("users", "role", server_default=None)
    op.drop_column("memberships", "role")
    op.drop_column("users", "identity")
    op.drop_column("users", "owns")
