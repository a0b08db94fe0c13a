"""API tokens: several for each shop, named, with scopes. The one that a shop has goes on, for its orders and their feed.

`shops.api_token_digest` stays, though nothing reads it any more: web processes of the release before still do while
this one starts.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("program", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_api_tokens_shop_id_shops")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
    )
    op.create_index(op.f("ix_api_tokens_shop_id"), "api_tokens", ["shop_id"])
    op.execute(
        "INSERT INTO api_tokens (shop_id, name, digest, scopes, starts_at)"
        " SELECT id, 'shop', api_token_digest, ARRAY['orders', 'feed'], created_at FROM shops"
        " WHERE api_token_digest IS NOT NULL"
    )


def downgrade():
    op.drop_table("api_tokens")
    op.drop_column("users", "program")
