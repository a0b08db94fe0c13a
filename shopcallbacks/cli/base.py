"""What all commands share: errors are one plain sentence, tables line up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl

import click

from ..domain.errors import Refused
from ..extensions import db
from ..panel.filter import NAMES, Filter
from ..shops.accounts import GatewayAccount, Shop

P = ParamSpec("P")
R = TypeVar("R")


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Commits when all went well; what can't be done is a sentence on stderr and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = command(*args, **kwargs)
        except (ValueError, Refused) as error:
            db.session.rollback()
            raise click.ClickException(str(error)) from None
        db.session.commit()
        return result

    return run


def find_shop(slug: str) -> Shop:
    shop = Shop.by_slug(slug)
    if shop is None:
        raise ValueError(f"There is no shop {slug!r}. There are: {', '.join(s.slug for s in Shop.every()) or 'none'}.")
    return shop


def find_account(shop: str, slug: str) -> GatewayAccount:
    account = find_shop(shop).account(slug)
    if account is None:
        raise ValueError(f"{shop} has no gateway account {slug!r}.")
    return account


def read_filter(query: str, shop: Shop) -> Filter:
    """All of it: what is left out of a filter lets more be done than was meant."""
    pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
    for name, value in pairs:
        if name not in NAMES:
            raise ValueError(f"A filter has no {name!r}. It has: {', '.join(NAMES)}.")
        if not value.strip():
            raise ValueError(f"The filter says nothing behind {name}=.")
    found = Filter.read(pairs).at(shop)
    if found.problems:
        raise ValueError("\n".join(problem.removesuffix(" It was left out.") for problem in found.problems))
    return found


def table(rows: Iterable[tuple[Any, ...]], heads: tuple[str, ...]) -> None:
    """Columns as wide as they need to be."""
    lines = [heads, *(tuple(str(cell if cell is not None else "-") for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
