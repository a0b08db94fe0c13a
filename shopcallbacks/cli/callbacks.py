"""`flask callbacks`: look, do what a person can do about one, export."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from ..bells import ring
from ..callbacks.callback import Callback, More
from ..clock import utcnow
from ..domain.states import Verb
from ..extensions import db
from ..orders.order import Order
from ..panel.download.callbacks import callbacks as table_of
from ..panel.download.csv import write_csv
from ..panel.headline import headline
from ..shops.acts import Activity
from ..words.formats import PLAIN, age
from ..words.masking import mask
from .base import find_shop, plain_errors, read_filter, table

callbacks = AppGroup("callbacks", help="Callbacks: look, retry, force, decide, remove, restore, export, import.")

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
    found = db.session.scalars(read_filter(query, at).select(at).limit(limit))
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
    at, request = f"{callback.received_at:%Y-%m-%d %H:%M:%S.%f} UTC", callback.request
    click.echo(f"{request.method} from {request.address} at {at}" if request else f"{at}, in {callback.month.archive}")
    size = f"{len(request.body):,} bytes, " if request else ""
    click.echo(f"{size}sha256 {callback.digest.hex()}")
    for attempt in callback.attempts:
        what = attempt.reason or attempt.effect
        click.echo(f"  {attempt.at:%Y-%m-%d %H:%M:%S} {attempt.kind}: {attempt.verdict}, {what} {mask(attempt.detail)}")


def _callback(id_: int) -> Callback:
    callback = db.session.get(Callback, id_)
    if callback is None:
        raise ValueError(f"There is no callback {id_}.")
    return callback


HELP = {
    Verb.retry: "Ask for one more attempt.",
    Verb.force: "One more attempt that skips the check with the gateway, nothing else.",
    Verb.reopen: "One more attempt in which the order takes the payment after all.",
    Verb.owe: "One more attempt in which the order stays as it is, and the payment is owed back.",
    Verb.accept: "The order takes it though sum or currency differ; too little is waived, too much owed back.",
    Verb.part: "The order takes it as a part, and waits for the rest.",
    Verb.take_too: "The open order takes it on top.",
    Verb.unowe: "It is not owed back after all, and to be decided anew.",
    Verb.take_back: "The payment is gone: it leaves the books.",
    Verb.choose: "It was given back of that payment.",
    Verb.assign: "It belongs to that order; all comparisons are kept.",
    Verb.close: "It is dealt with by hand: nothing is booked, and it can be restored.",
    Verb.remove: "Fake, or not ours: mark as invalid. It stays, and can be restored.",
    Verb.restore: "Back to the unprocessed ones.",
}


def _register(verb: Verb) -> None:
    """The verb as a command: done to all that are named, or to none."""

    @callbacks.command(verb, help=HELP[verb])
    @click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
    @click.option("--why", default="", required=verb.needs_why, help="The reason, kept with the callback.")
    @click.option("--minor", type=int, help="The sum that counts, in minor units of the order's currency (accept).")
    @click.option("--payment", help="The payment's transaction id (choose).")
    @click.option("--order", help="The order's number (assign).")
    @plain_errors
    def run(ids: tuple[int, ...], why: str, minor: int | None, payment: str | None, order: str | None) -> None:
        done = []
        for id_ in sorted(set(ids)):  # in the one order in which all lock them
            _callback(id_)
            callback = Callback.lock(id_)
            callback.do(verb, None, why, more=_more(callback, minor, payment, order))
            done.append(callback)
        db.session.commit()
        for lane in {callback.lane for callback in done if callback.due_at is not None}:
            ring(lane)
        for callback in done:
            click.echo(f"{callback.id}: {verb} asked for" if verb.attempts else f"{callback.id}: {callback.state}")


def _more(callback: Callback, minor: int | None, payment: str | None, number: str | None) -> More:
    order = Order.find(callback.shop_id, number) if number else None
    if number and order is None:
        raise ValueError(f"There is no order {number!r}.")
    return More(minor, payment, order)


for verb in Verb:
    _register(verb)


@callbacks.command("export")
@click.argument("shop")
@filter_option
@click.option("--bom", is_flag=True, help="Begin with a byte order mark, for spreadsheets.")
@plain_errors
def export_callbacks(shop: str, query: str, bom: bool) -> None:
    """CSV on standard output."""
    of = find_shop(shop)
    filter_ = read_filter(query, of)
    Activity.record("export", None, shop_id=of.id, what=f"callbacks {query}".strip())
    for block in write_csv(table_of(filter_, of), bom=bom):
        sys.stdout.buffer.write(block)
