"""`flask shops`: shops and their API tokens."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from ..extensions import db
from ..shops.accounts import Shop
from ..shops.acts import Activity
from .base import find_shop, plain_errors, table

shops = AppGroup("shops", help="Shops and their API tokens.")


@shops.command("list")
def list_shops() -> None:
    """All shops."""
    table(((s.slug, s.name, s.time_zone, len(s.accounts)) for s in Shop.every()), ("SHOP", "NAME", "ZONE", "GATEWAYS"))


@shops.command("add")
@click.argument("slug")
@click.option("--name", default="", help="What managers read; the slug unless given.")
@click.option("--time-zone", default="UTC", show_default=True, help="Such as Europe/Vienna.")
@plain_errors
def add_shop(slug: str, name: str, time_zone: str) -> None:
    """Add a shop; prints the bearer token of its API once."""
    shop = Shop.add(slug, name or slug, time_zone)
    token = shop.new_api_token()
    db.session.flush()
    Activity.record("add shop", None, shop_id=shop.id, what=slug)
    click.echo(f"Shop {slug} added. API token (shown only now): {token}")


@shops.command("new-token")
@click.argument("slug")
@plain_errors
def new_token(slug: str) -> None:
    """Give the shop a new API token; the former one stops working."""
    shop = find_shop(slug)
    Activity.record("new API token", None, shop_id=shop.id)
    click.echo(shop.new_api_token())
