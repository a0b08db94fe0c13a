"""What is hidden stays hidden: search entries written anew without secrets, the endpoint's address sealed; and of orders,
messages and acts no longer changes what never may.

Revision ID: 0015
Revises: 0014
"""

import json

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet, MultiFernet
from flask import current_app

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AS_BEGUN = {"orders": "shop_id, number, created_at", "messages": "callback_id, place, account_id"}


def upgrade():
    _write_search_entries_anew()
    op.add_column("endpoints", sa.Column("url_sealed", sa.LargeBinary()))
    for shop_id, url in op.get_bind().execute(sa.text("SELECT shop_id, url FROM endpoints")).all():
        sealed = _keys().encrypt(json.dumps({"place": f"endpoint of shop {shop_id}", "value": url}).encode())
        _set("url_sealed", sealed, shop_id)
    op.alter_column("endpoints", "url_sealed", nullable=False)
    op.drop_column("endpoints", "url")
    for table, columns in AS_BEGUN.items():
        op.execute(
            f"CREATE TRIGGER {table}_stay_as_begun BEFORE UPDATE OF {columns} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.alter_column("activity", "at", server_default=sa.func.now())
    op.execute(
        "CREATE FUNCTION happens_now() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.at := clock_timestamp(); RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER activity_happens_now BEFORE INSERT ON activity FOR EACH ROW EXECUTE FUNCTION happens_now()"
    )


def downgrade():
    op.execute("DROP FUNCTION happens_now() CASCADE")
    op.alter_column("activity", "at", server_default=None)
    for table in AS_BEGUN:
        op.execute(f"DROP TRIGGER {table}_stay_as_begun ON {table}")
    op.add_column("endpoints", sa.Column("url", sa.Text()))
    for shop_id, sealed in op.get_bind().execute(sa.text("SELECT shop_id, url_sealed FROM endpoints")).all():
        _set("url", json.loads(_keys().decrypt(sealed))["value"], shop_id)
    op.alter_column("endpoints", "url", nullable=False)
    op.drop_column("endpoints", "url_sealed")


def _write_search_entries_anew():
    op.execute("TRUNCATE search_entries")
    op.execute(
        "UPDATE search_progress SET (upto, history, attempts) = (SELECT last, last,"
        " coalesce((SELECT max(id) FROM attempts), 0) FROM (SELECT coalesce(max(id), 0) AS last FROM callbacks))"
    )


def _set(column, value, shop_id):
    op.get_bind().execute(
        sa.text(f"UPDATE endpoints SET {column} = :value WHERE shop_id = :shop_id"),  # nosec B608 - the column is ours
        {"value": value, "shop_id": shop_id},
    )


def _keys():
    return MultiFernet([Fernet(key) for key in current_app.config["SECRETS_KEYS"]])
