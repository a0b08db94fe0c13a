"""`flask gateways`: which gateways may call a shop, and where."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click
from flask.cli import AppGroup

from ..gateways import GATEWAYS
from ..gateways.base import Setting
from ..gateways.settings import BadSettings, read_text
from ..shops import setup
from ..shops.accounts import Mode
from .base import find_account, find_shop, plain_errors, table
from .catalogue import document

gateways = AppGroup("gateways", help="Gateway accounts: which gateways may call a shop, and where.")


@gateways.command("kinds")
@click.argument("gateway", required=False)
@plain_errors
def list_kinds(gateway: str | None) -> None:
    """All gateways there are; with a name, its settings."""
    if gateway is None:
        table(((g.name, g.title, g.check) for g in GATEWAYS.values()), ("GATEWAY", "TITLE", "HOW IT IS VERIFIED"))
        return
    if gateway not in GATEWAYS:
        raise ValueError(f"There is no gateway {gateway!r}.")
    table(_described(GATEWAYS[gateway].settings), ("SETTING", "KIND", "DEFAULT", "WHERE TO FIND IT"))


def _described(settings: Iterable[Setting], path: str = "") -> Iterator[tuple[Any, ...]]:
    """Each setting, and those within a table by their path."""
    for one in settings:
        yield path + one.key, one.kind, "needed" if one.required else one.default, one.help
        yield from _described(one.entries, f"{path}{one.key}.")


@gateways.command("docs")
def write_docs() -> None:
    """The page docs/gateways.md, from the gateways' own descriptions."""
    click.echo(document(), nl=False)


@gateways.command("list")
@click.argument("shop")
@plain_errors
def list_accounts(shop: str) -> None:
    """The shop's gateway accounts and their callback URLs."""
    rows = [
        (a.slug, a.gateway.title, a.mode, "on" if a.enabled else "off", a.callback_url)
        for a in find_shop(shop).accounts
    ]
    table(rows, ("ACCOUNT", "GATEWAY", "MODE", "STATE", "CALLBACK URL"))


@gateways.command("add")
@click.argument("shop")
@click.argument("gateway")
@click.argument("slug")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A setting; lists one item a line, or JSON.")
@click.option("--mode", type=click.Choice([*Mode]), default=Mode.live, show_default=True)
@click.option("--title", default="", help="What managers read; the gateway's own name unless given.")
@plain_errors
def add_account(shop: str, gateway: str, slug: str, pairs: tuple[str, ...], mode: str, title: str) -> None:
    """Connect a gateway and print the callback URL to enter in its back office.

    A needed secret that is not given by --set is read from the environment (its key in capitals, SIGNING_SECRETS=...)
    or asked for at a prompt.
    """
    kind = GATEWAYS.get(gateway)
    given = _read_pairs(kind.settings if kind else (), pairs)
    for setting in kind.settings if kind else ():
        if setting.is_secret and setting.required and not given.get(setting.key):
            given[setting.key] = _read_secret(setting)
    try:
        account = setup.connect(find_shop(shop), gateway, slug, given, Mode(mode), title, None)
    except BadSettings as error:
        raise ValueError("\n".join(f"{key} {problem}" for key, problem in error.problems.items())) from None
    click.echo(account.callback_url)


def _read_pairs(settings: Iterable[Setting], pairs: Iterable[str]) -> dict[str, Any]:
    described = {setting.key: setting for setting in settings}
    given = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        given[key] = read_text(described[key], value) if key in described else value
    return given


def _read_secret(setting: Setting) -> Any:
    value = os.environ.get(setting.key.upper())
    if value is None:
        value = click.prompt(setting.label, hide_input=True, default="") if sys.stdin.isatty() else ""
    return read_text(setting, value)


@gateways.command("disable")
@click.argument("shop")
@click.argument("slug")
@click.option("--why", required=True, help="The reason, kept with the act.")
@plain_errors
def disable_account(shop: str, slug: str, why: str) -> None:
    """Switch an account off: its callbacks are kept, and not believed."""
    setup.switch_off(find_account(shop, slug), why, None)


@gateways.command("enable")
@click.argument("shop")
@click.argument("slug")
@plain_errors
def enable_account(shop: str, slug: str) -> None:
    """Switch an account on again."""
    setup.switch_on(find_account(shop, slug), None)
