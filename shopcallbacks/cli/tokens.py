"""`flask tokens`: the API tokens of a shop: made, replaced with an overlap, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from ..clock import utcnow
from ..shops.accounts import Shop
from ..shops.tokens import USUAL, ApiToken, Scope
from .base import find_shop, plain_errors, table

tokens = AppGroup("tokens", help="API tokens of a shop: several, named, each with what it may do.")
hours_option = click.IntRange(0, 24 * 365)


@tokens.command("list")
@click.argument("shop")
@plain_errors
def list_tokens(shop: str) -> None:
    """All that there ever were, never their text. When one was used last is known to the hour."""
    rows = [
        (t.id, t.name, ", ".join(t.scopes), _time(t.starts_at), _time(t.used_at), _time(t.ends_at))
        for t in ApiToken.of(find_shop(shop).id)
    ]
    table(rows, ("ID", "NAME", "MAY", "MADE", "LAST USED", "ENDS"))


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if at else None


@tokens.command("add")
@click.argument("shop")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=USUAL,
    show_default=True,
    help="What it may do (repeatable).",
)
@click.option("--hours", type=hours_option, help="It ends after so many hours; without an end unless given.")
@click.option("--replace", is_flag=True, help="Takes over from the token of that name, with its scopes.")
@click.option("--overlap", type=hours_option, default=24, show_default=True, help="So many hours the former goes on.")
@plain_errors
def add_token(shop: str, name: str, scopes: tuple[str, ...], hours: int | None, replace: bool, overlap: int) -> None:
    """Make a token; prints it once."""
    at = find_shop(shop)
    if replace:
        made, text = _in_use(at, name).replace(utcnow() + timedelta(hours=overlap), None)
    else:
        ends = utcnow() + timedelta(hours=hours) if hours is not None else None
        made, text = ApiToken.add(at, name, map(Scope, scopes), None, ends)
    click.echo(f"API token {made.name} (shown only now): {text}")


@tokens.command("end")
@click.argument("shop")
@click.argument("name")
@click.option("--hours", type=hours_option, default=0, help="So many hours it goes on; at once unless given.")
@plain_errors
def end_tokens(shop: str, name: str, hours: int) -> None:
    """End all tokens of that name."""
    at, then = find_shop(shop), utcnow() + timedelta(hours=hours)
    _in_use(at, name)
    for token in ApiToken.of(at.id):
        if token.name == name and token.in_use:
            token.end(then, None)


def _in_use(shop: Shop, name: str) -> ApiToken:
    found = next((one for one in ApiToken.of(shop.id) if one.name == name and one.in_use), None)
    if found is None:
        raise ValueError(f"{shop.name} has no token {name} in use.")
    return found
