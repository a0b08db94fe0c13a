"""`flask restored`: what must be done after a back-up was put back, before anything starts on it (docs/back-ups.md)."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from sqlalchemy import text

from ..extensions import db
from ..orders.feed import Feed
from ..outgoing.endpoint import Endpoint
from ..outgoing.mark import mark
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
    try:
        mark().forget()
    except RedisError as error:
        raise ValueError(f"Redis is away, nothing is done. Run it again once it is back: {error}") from None
    for table in TOLD:
        db.session.execute(_DRAW, {"sequence": f"{table}_id_seq", "leap": LEAP})
    Feed.leap(LEAP)
    endpoints = Endpoint.switch_off_all("for a back-up was put back")
    click.echo(f"Ids and places in the feeds go on {LEAP:,} further.")
    for endpoint in endpoints:
        click.echo(f"The endpoint of {endpoint.shop.slug} is off: switch it on in Settings > Shop endpoint.")


# One by one: to set a sequence is for the owner of the tables only.
_DRAW = text("SELECT count(nextval(CAST(:sequence AS regclass))) FROM generate_series(1, :leap)")
