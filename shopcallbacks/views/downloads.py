"""Downloads: every table as CSV or Excel, and what there is of some days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request
from flask_login import current_user

from ..extensions import db
from ..panel.audit import Acts
from ..panel.days import read_day
from ..panel.download import books
from ..panel.download.callbacks import callbacks
from ..panel.download.csv import write_csv
from ..panel.download.excel import write_excel
from ..panel.download.table import Table
from ..panel.filter import Filter, Sort, Tab
from ..shops.accounts import Shop
from ..shops.acts import Activity
from ..words.downloads import DOWNLOADS
from .access import current_shop
from .replica import from_replica
from .screens import Shown, now

bp = Blueprint("downloads", __name__, url_prefix="/download")

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# A table of these days: by their names in `words.downloads`.
TABLES: Mapping[str, Callable[[Shop, date | None, date | None], Table]] = {
    "bookings": books.bookings,
    "orders": books.orders,
    "owed": books.owed,
    "callbacks": lambda shop, *days: callbacks(_came(*days), shop),
    "activity": lambda shop, *days: Acts(since=days[0], until=days[1]).table(shop, current_user.owns),
}


@bp.get("")
@from_replica
def index() -> Shown:
    """`what`, of the days `from` to `to`, `as` csv or xlsx; without, what there is. A day that is none is said so."""
    what = request.args.get("what", "")
    try:
        since, until = _day("from"), _day("to")
    except ValueError as error:
        return render_template("downloads/index.html", problem=str(error)), 422
    if what not in TABLES:
        return render_template("downloads/index.html")
    days = " ".join(f"{word} {day}" for word, day in (("from", since), ("to", until)) if day)
    return taken_along(TABLES[what](current_shop(), since, until), request.args.get("as", "csv"), f"{what} {days}")


def taken_along(table: Table, form: str, said: str) -> Response:
    """The table as a file; that somebody took it along is an act, of which `said` says what it was. `form`: csv or
    xlsx.
    """
    excel, shop = form == "xlsx", current_shop()
    blocks = write_excel(table) if excel else write_csv(table, bom=True)
    Activity.record("export", current_user, shop_id=shop.id, what=f"{said.strip()}{' as Excel' if excel else ''}")
    db.session.commit()
    at = now().astimezone(ZoneInfo(shop.time_zone))
    name = f"{table.name}-{shop.slug}-{at:%Y%m%d-%H%M}.{'xlsx' if excel else 'csv'}"
    return attachment(blocks, name, EXCEL if excel else "text/csv; charset=utf-8; header=present")


def attachment(content: bytes | Iterator[bytes], name: str, content_type: str = "application/octet-stream") -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type=content_type)


def _came(since: date | None, until: date | None) -> Filter:
    return Filter(Tab.all, since=since, until=until, sort=Sort.oldest)


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    return read_day(text) if text else None


@bp.app_template_global()
def downloads() -> Mapping[str, tuple[str, str]]:
    return DOWNLOADS
