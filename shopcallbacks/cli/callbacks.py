"""`flask callbacks`: look, retry, force, remove, restore, export."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from ..callbacks.callback import Callback
from ..extensions import db, ring, utcnow
from ..panel.csv import write_csv
from ..panel.filter import Filter
from ..panel.headline import headline
from ..shops.acts import Activity
from ..words.formats import PLAIN, age
from ..words.masking import mask
from .base import find_shop, plain_errors, table

callbacks = AppGroup("callbacks", help="Callbacks: look, retry, force, remove, restore, export.")

filter_option = click.option(
    "--filter",
    "query",
    default="",
    metavar="QUERY",
    help="As in the panel's address: 'tab=unprocessed&reason=unclear'.",
)


@callbacks.command("list")
@click.argument("shop")
@filter_option
@click.option("--limit", default=50, show_default=True)
@plain_errors
def list_callbacks(shop: str, query: str, limit: int) -> None:
    """The shop's callbacks, those that need a person unless the filter says otherwise."""
    at = find_shop(shop)
    now = utcnow()
    found = db.session.scalars(Filter.from_query(query).select(at).limit(limit))
    rows = [
        (
            c.id,
            age(c.received_at, now),
            c.account.slug,
            c.order_number and mask(c.order_number),
            PLAIN.money(c.money),
            c.state,
            mask(headline(c)),
            mask(c.detail),
        )
        for c in found
    ]
    table(rows, ("ID", "AGE", "ACCOUNT", "ORDER", "CLAIMS", "STATE", "WHY", "DETAIL"))


@callbacks.command("show")
@click.argument("id_", metavar="ID", type=int)
@plain_errors
def show_callback(id_: int) -> None:
    """One callback and its attempts."""
    callback = _callback(id_)
    click.echo(mask(f"{callback.id}: {callback.state}, {headline(callback)} {callback.detail}"))
    click.echo(f"{callback.method} from {callback.address} at {callback.received_at:%Y-%m-%d %H:%M:%S.%f} UTC")
    click.echo(f"{len(callback.body):,} bytes, sha256 {callback.digest.hex()}")
    for attempt in callback.attempts:
        what = attempt.reason or attempt.effect
        click.echo(f"  {attempt.at:%Y-%m-%d %H:%M:%S} {attempt.kind}: {attempt.verdict}, {what} {mask(attempt.detail)}")


def _callback(id_: int) -> Callback:
    callback = db.session.get(Callback, id_)
    if callback is None:
        raise ValueError(f"There is no callback {id_}.")
    return callback


def _verb(name: str, doc: str, needs_why: bool, rings: bool) -> None:
    @callbacks.command(name, help=doc)
    @click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
    @click.option("--why", default="", required=needs_why, help="The reason, kept with the callback.")
    @plain_errors
    def run(ids: tuple[int, ...], why: str) -> None:
        for id_ in ids:
            _callback(id_)
            callback = Callback.lock(id_)
            getattr(callback, name)(None, why)
            db.session.commit()
            if rings:
                ring(callback.asks)
            click.echo(f"{id_}: {name} asked for" if rings else f"{id_}: {callback.state}")


_verb("retry", "Ask for one more attempt.", needs_why=False, rings=True)
_verb("force", "One more attempt that skips the check with the gateway, nothing else.", needs_why=True, rings=True)
_verb("remove", "Mark as invalid. It stays, and can be restored.", needs_why=True, rings=False)
_verb("restore", "Back to the unprocessed ones.", needs_why=False, rings=False)


@callbacks.command("export")
@click.argument("shop")
@filter_option
@click.option("--bom", is_flag=True, help="Begin with a byte order mark, for spreadsheets.")
@plain_errors
def export_callbacks(shop: str, query: str, bom: bool) -> None:
    """CSV on standard output."""
    of = find_shop(shop)
    Activity.record("export", None, shop_id=of.id, what=f"callbacks {query}".strip())
    for block in write_csv(Filter.from_query(query), of, bom=bom):
        sys.stdout.buffer.write(block)
