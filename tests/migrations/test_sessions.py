"""What the migration that brings sessions makes of the users that are there."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from shopcallbacks import ROOT
from shopcallbacks.extensions import db


def before(revision: str) -> str:
    found = ScriptDirectory(str(ROOT / "migrations")).get_revision(revision)
    assert found is not None
    assert isinstance(found.down_revision, str)
    return found.down_revision


def roles() -> dict[str, str]:
    found = {row.email: row.role for row in db.session.execute(text("SELECT email, role FROM users"))}
    db.session.rollback()
    return found


def test_admins_of_no_named_shop_become_owners(empty_app: Flask) -> None:
    upgrade(revision=before("0013"))
    db.session.execute(text("INSERT INTO shops (slug, name, time_zone, created_at) VALUES ('a', 'A', 'UTC', now())"))
    for email, role in (("all@x", "admin"), ("one@x", "admin"), ("manager@x", "manager")):
        db.session.execute(
            text(
                "INSERT INTO users (email, name, password_hash, role, active, created_at)"
                " VALUES (:email, 'N', '-', :role, true, now())"
            ),
            {"email": email, "role": role},
        )
    db.session.execute(
        text("INSERT INTO memberships SELECT users.id, shops.id FROM users, shops WHERE email = 'one@x'")
    )
    db.session.commit()
    upgrade(revision="0013")
    assert roles() == {"all@x": "owner", "one@x": "admin", "manager@x": "manager"}
    downgrade(revision=before("0013"))
    assert roles() == {"all@x": "admin", "one@x": "admin", "manager@x": "manager"}
