"""`flask restored`: what must be done after a back-up was put back, before anything starts on it (docs/back-ups.md)."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import select, text

from ..extensions import db
from ..orders.feed import Feed
from ..outgoing.endpoint import Endpoint
from ..shops.acts import Activity
from .base import plain_errors

LEAP = 1_000_000  # more than is told between a back-up and its return
# Whose ids are told: by them a shop knows what it has had.
TOLD = ("order_events", "alert_messages", "callbacks", "orders")


@click.command("restored")
@with_appcontext
@plain_errors
def restored() -> None:
    """After a back-up was put back, and before anything is started on it.

    Ids and places in the feeds go on a million further, so that none is told twice with another meaning. Shops'
    endpoints are switched off, until somebody who knows what the shop has heard meanwhile switches each on again.
    """
    for table in TOLD:
        db.session.execute(_DRAW, {"sequence": f"{table}_id_seq", "leap": LEAP})
    Feed.leap(LEAP)
    endpoints = db.session.scalars(select(Endpoint).where(Endpoint.enabled).order_by(Endpoint.id)).all()
    for endpoint in endpoints:
        endpoint.disable()
        what = "shop endpoint: switched off, for a back-up was put back"
        Activity.record("settings", None, shop_id=endpoint.shop_id, what=what)
    click.echo(f"Ids and places in the feeds go on {LEAP:,} further.")
    for endpoint in endpoints:
        click.echo(f"The endpoint of {endpoint.shop.slug} is off: switch it on in Settings > Shop endpoint.")


# One by one: to set a sequence is for the owner of the tables only.
_DRAW = text("SELECT count(nextval(CAST(:sequence AS regclass))) FROM generate_series(1, :leap)")
