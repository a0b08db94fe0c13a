"""`flask shops`: shops, and how payments move their orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
from flask.cli import AppGroup

from ..domain.values import Money
from ..extensions import db
from ..shops import people, setup
from ..shops.accounts import Shop
from ..shops.acts import Activity
from ..shops.order_rules import MOST_HELD_S, read_limit, read_order_page
from ..shops.tokens import USUAL, ApiToken
from .base import find_shop, plain_errors, table

shops = AppGroup("shops", help="Shops, and how payments move their orders.")


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
    """Add a shop; prints an API token once, for its orders and their feed."""
    shop = Shop.add(slug, name or slug, time_zone)
    db.session.flush()
    Activity.record("add shop", None, shop_id=shop.id, what=slug)
    _, token = ApiToken.add(shop, "shop", USUAL, None)
    click.echo(f"Shop {slug} added. API token (shown only now): {token}")


@shops.command("set")
@click.argument("slug")
@click.option("--refusal-cancels-after", type=click.IntRange(0, MOST_HELD_S), help="Seconds; 0: at once.")
@click.option(
    "--payment-reopens/--no-payment-reopens", default=None, help="A payment reopens what a refusal cancelled."
)
@click.option("--parts/--no-parts", default=None, help="Payments of less add up to what the order costs.")
@click.option(
    "--second-factor/--no-second-factor", default=None, help="Whether it is looked at with a second factor only."
)
@click.option("--accept-limit", help='Above it only admins accept another sum: "100.00 EUR", or none.')
@click.option("--force-limit", help='Above it two people must force: "100.00 EUR", or none.')
@click.option("--order-page", help="The shop's own page of an order: https://shop.example/orders/{number}, or none.")
@plain_errors
def set_rules(
    slug: str,
    refusal_cancels_after: int | None,
    payment_reopens: bool | None,
    parts: bool | None,
    second_factor: bool | None,
    accept_limit: str | None,
    force_limit: str | None,
    order_page: str | None,
) -> None:
    """Say how payments move the shop's orders, and who may look at it. Without options it shows what is set."""
    shop = find_shop(slug)
    given: dict[str, Any] = {
        "refusal_cancels_after": refusal_cancels_after,
        "payment_reopens": payment_reopens,
        "parts": parts,
    }
    rules = replace(shop.order_rules, **{name: value for name, value in given.items() if value is not None})
    if accept_limit is not None:
        rules = replace(rules, accept_limit=_limit(accept_limit))
    if force_limit is not None:
        rules = replace(rules, force_limit=_limit(force_limit))
    if order_page is not None:
        rules = replace(rules, order_page="" if order_page == "none" else read_order_page(order_page))
    setup.rule_orders(shop, rules, None)
    if second_factor is not None:
        people.demand_second_factor(None, shop, second_factor)
    for name, value in {**vars(rules), "second_factor": shop.needs_second_factor}.items():
        click.echo(f"{name}: {value if value not in (None, '') else 'none'}")


def _limit(text: str) -> Money | None:
    return None if text == "none" else read_limit(*text.rsplit(" ", 1))
