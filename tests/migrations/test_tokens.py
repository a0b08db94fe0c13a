"""What the migration that brings API tokens makes of the one that a shop has."""

from __future__ import annotations

import hashlib

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from shopcallbacks.extensions import db
from shopcallbacks.shops.tokens import ApiToken

from .test_sessions import before


def test_the_token_of_a_shop_goes_on_for_its_orders_and_their_feed(empty_app: Flask) -> None:
    upgrade(revision=before("0019"))
    for slug, digest in (("a", hashlib.sha256(b"sc_old").digest()), ("b", None)):
        db.session.execute(
            text(
                "INSERT INTO shops (slug, name, time_zone, api_token_digest, created_at)"
                " VALUES (:slug, 'S', 'UTC', :digest, now())"
            ),
            {"slug": slug, "digest": digest},
        )
    db.session.commit()
    upgrade()
    found = ApiToken.of_text("sc_old")
    assert found is not None
    assert (found.shop.slug, found.name, found.scopes, found.ends_at) == ("a", "shop", ["orders", "feed"], None)
    assert db.session.scalar(text("SELECT count(*) FROM api_tokens")) == 1
    db.session.rollback()
    downgrade(revision=before("0019"))
    assert db.session.scalar(text("SELECT count(*) FROM shops WHERE api_token_digest IS NOT NULL")) == 1
