"""`flask orders import`, `flask callbacks import`, `flask callbacks process-imported`: what a shop brings along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import click
from flask import current_app

from ..bells import ring
from ..bulk.preview import FURTHER_S, LOOKS_AT, Effects, effects_of
from ..bulk.selection import Selection
from ..callbacks.callback import Callback
from ..clock import database_now
from ..domain.errors import Refused
from ..domain.states import Lane, Verb
from ..extensions import db
from ..moving_in import orders as moved_orders
from ..moving_in.callbacks import Imported, Kept, keep
from ..moving_in.folder import read_folder
from ..moving_in.log import read_log
from ..moving_in.yes_cart import read_export
from ..panel.filter import Filter, Tab
from ..shops.accounts import GatewayAccount
from ..shops.acts import Activity
from ..words.formats import PLAIN
from ..words.outcomes import would
from .base import find_account, find_shop, plain_errors, read_filter
from .callbacks import callbacks, filter_option
from .orders import SAID, orders

__all__ = ["callbacks", "orders"]  # the groups, with these commands in them

BATCH = 250
IMPORT = "import"

preview_option = click.option("--preview", is_flag=True, help="Say what it would do, and do nothing.")


@orders.command("import")
@click.argument("shop")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@preview_option
@plain_errors
def import_orders(shop: str, file: Path, preview: bool) -> None:
    """Hand in orders from a CSV or JSON lines, with the fields of POST /api/orders, and created_at.

    All lines are read first: where one can't be taken, none is. What the shop's rules refuse is told, and left out.
    """
    at = find_shop(shop)
    new = moved_orders.read_orders(file.read_text("utf-8-sig"), at)
    done = moved_orders.hand_in(new, at, db.session.rollback if preview else db.session.commit)
    if not preview:
        Activity.record(IMPORT, None, shop_id=at.id, what=PLAIN.counted(len(new), "order"))
        db.session.commit()
        if done.woken:
            ring(Lane.plain)
    click.echo("It would be so:" if preview else "Done:")
    for answer, count in sorted(done.answers.items()):
        click.echo(f"  {SAID[answer]}: {PLAIN.number(count)}")
    if done.refused:
        raise ValueError("\n".join([f"{PLAIN.counted(len(done.refused), 'order')} refused:", *done.refused]))


@callbacks.command(IMPORT)
@click.argument("shop")
@click.argument("account")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--label", help="Of an export of YES Cart: only callbacks of the gateway with that label.")
@click.option("--shop-code", help="Of an export of YES Cart: only callbacks of the shop with that code.")
@preview_option
@plain_errors
def import_callbacks(
    shop: str, account: str, path: Path, label: str | None, shop_code: str | None, preview: bool
) -> None:
    """Keep callbacks that were kept elsewhere, with their own time and bytes: marked, and not processed.

    PATH is a log (JSON lines), a folder (a file for each callback), or an export of YES Cart (its name ends in .xml).
    """
    of = find_account(shop, account)
    found = _read(path, of, label, shop_code)
    if preview:
        found = _before_today(found)
    imported = keep(found, of, preview)
    click.echo("It would be so:" if preview else "Done:")
    _tell(imported)
    if preview:
        click.echo("If they were processed then:")
        _foretell(
            effects_of(Verb.retry, Selection(Filter(), tuple(imported.kept[:LOOKS_AT])), of.shop, for_s=FURTHER_S)
        )
        db.session.rollback()
    else:
        what = f"{PLAIN.counted(len(imported.kept), 'callback')} of {of.slug}"
        Activity.record(IMPORT, None, shop_id=of.shop_id, what=what)


def _read(path: Path, of: GatewayAccount, label: str | None, shop_code: str | None) -> list[Kept]:
    if path.is_dir():
        found = read_folder(path)
    elif path.suffix == ".xml":
        found = read_export(path, of.shop.time_zone, label, shop_code)
    else:
        found = read_log(path.read_text("utf-8-sig"))
    if not found:
        raise ValueError(f"There is no callback in {path}.")
    most = current_app.config["MAX_CALLBACK_BYTES"]
    for request in (one.request for one in found if len(one.request.body) > most):
        which = f"The callback of {request.arrived_at:%Y-%m-%d %H:%M:%S.%f} UTC"
        raise ValueError(f"{which} is larger than {PLAIN.counted(most, 'byte')} (MAX_CALLBACK_BYTES).")
    return found


def _before_today(found: list[Kept]) -> list[Kept]:
    """What a preview can keep and take back: for what it keeps of today the same that arrives meanwhile would wait."""
    today = database_now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before = [one for one in found if one.request.arrived_at < today]
    if not before:
        raise ValueError("All of it came today (UTC): it can be previewed tomorrow.")
    if left := len(found) - len(before):
        click.echo(f"Without {PLAIN.counted(left, 'callback')} of today (UTC), which can be previewed tomorrow.")
    return before


def _tell(imported: Imported) -> None:
    click.echo(f"  {PLAIN.counted(len(imported.kept), 'callback')} kept, marked as imported")
    if imported.known:
        click.echo(f"  {PLAIN.counted(imported.known, 'callback')} known already")
    click.echo(f"  received from {imported.first:%Y-%m-%d %H:%M:%S} to {imported.last:%Y-%m-%d %H:%M:%S} UTC")


@callbacks.command("process-imported")
@click.argument("shop")
@filter_option
@preview_option
@plain_errors
def process_imported(shop: str, query: str, preview: bool) -> None:
    """Ask for an attempt of each imported callback. Orders move as if it came now, and the shop is told of it."""
    at = find_shop(shop)
    chosen = Selection(read_filter(query, at).but(tab=Tab.imported))
    if preview:
        click.echo("It would be so:")
        _foretell(effects_of(Verb.retry, chosen, at))
        return
    ids = chosen.first(Verb.retry, at)
    skipped: Counter[str] = Counter()
    for start in range(0, len(ids), BATCH):
        skipped += _ask_for(ids[start : start + BATCH])
    click.echo(f"{PLAIN.counted(len(ids) - skipped.total(), 'callback')}: an attempt is asked for")
    if skipped:
        raise ValueError("\n".join(f"{PLAIN.number(count)} skipped: {why}" for why, count in skipped.items()))


def _ask_for(ids: Sequence[int]) -> Counter[str]:
    """Those that are refused, by the sentence why."""
    skipped: Counter[str] = Counter()
    lanes = set()
    for callback in Callback.lock_all(ids).values():
        try:
            callback.may(Verb.retry, None)
        except Refused as refused:
            skipped[str(refused)] += 1
        else:
            callback.do(Verb.retry, None)
            lanes.add(callback.lane)
    db.session.commit()
    for lane in lanes:
        ring(lane)
    return skipped


def _foretell(effects: Effects) -> None:
    """What would come of them, in the order of a bulk run's preview."""
    lines = [would(effect, count) for effect, count in effects.effects.most_common()]
    lines += [f"{PLAIN.number(count)} would wait: {why}" for why, count in effects.stays.most_common()]
    lines += [
        f"{PLAIN.number(count)}: {title} is asked, only its answer could tell" for title, count in effects.asked.items()
    ]
    lines += [f"{PLAIN.number(count)} skipped: {why}" for why, count in effects.skipped.items()]
    if effects.beyond:
        lines.append(f"{PLAIN.number(effects.beyond)} more were not looked at")
    for line in lines or ["nothing"]:
        click.echo(f"  {line}")
