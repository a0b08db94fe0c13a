"""What the migration that makes a role one of a shop makes of the users that are there."""

from __future__ import annotations

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from shopcallbacks.extensions import db

from .test_sessions import before, roles


def test_each_keeps_their_role_in_each_of_their_shops(empty_app: Flask) -> None:
    upgrade(revision=before("0018"))
    for slug in ("a", "b"):
        shop = text("INSERT INTO shops (slug, name, time_zone, created_at) VALUES (:slug, 'S', 'UTC', now())")
        db.session.execute(shop, {"slug": slug})
    for email, role in (("owner@x", "owner"), ("admin@x", "admin"), ("none@x", "manager")):
        db.session.execute(
            text(
                "INSERT INTO users (email, name, password_hash, role, active, created_at)"
                " VALUES (:email, 'N', '-', :role, true, now())"
            ),
            {"email": email, "role": role},
        )
    given = "INSERT INTO memberships SELECT users.id, shops.id FROM users, shops WHERE email = 'admin@x'"
    db.session.execute(text(given))
    db.session.commit()
    upgrade(revision="0018")
    wanted = (
        "SELECT email, owns, array_agg(memberships.role) FROM users LEFT JOIN memberships ON user_id = id GROUP BY id"
    )
    found = {email: (owns, given) for email, owns, given in db.session.execute(text(wanted))}
    db.session.rollback()
    assert found == {"owner@x": (True, [None]), "admin@x": (False, ["admin", "admin"]), "none@x": (False, [None])}
    downgrade(revision=before("0018"))
    assert roles() == {"owner@x": "owner", "admin@x": "admin", "none@x": "viewer"}
